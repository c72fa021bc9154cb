// SPDX-License-Identifier: LGPL-2.1-or-later

// What is round every page: header, navigation, the choice of a language,
// footer.

import { h } from './dom.js';
import { currentLanguage, languages, ready, setLanguage, t, translate }
  from './i18n.js';

const PAGES = [
  { page: 'home', path: '/' },
  { page: 'community', path: '/community' },
  { page: 'developer', path: '/developer' },
];

const brand = () => h('a', { class: 'brand', href: '/' },
    h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }),
    'Wishcast');

const navigation = (current) => h('nav', { 'aria-label': t('common.pages') },
    PAGES.map(({ page, path }) => h('a', {
      href: path, 'aria-current': page === current ? 'page' : null,
    }, t(`common.${page}`))));

export const languageChoice = () => h('select', {
  class: 'language',
  'aria-label': t('common.language'),
  onchange: (event) => setLanguage(event.target.value),
}, languages.map(({ code, name }) => h('option', {
  value: code, lang: code, selected: code === currentLanguage(),
}, name)));

// Resolves when the page can be filled. `page`: its name among PAGES, if it is
// one of them.
export async function startShell({ page } = {}) {
  await ready;
  translate(document.body);
  document.body.prepend(
      h('a', { class: 'skip', href: '#main' }, t('common.skip')),
      h('header', { class: 'shell' }, h('div', { class: 'wide' },
          brand(), navigation(page), languageChoice())));
  document.body.append(h('footer', { class: 'shell' },
      h('div', { class: 'wide' },
          h('p', null, t('common.footer')),
          h('a', { href: '/api/v1/openapi.json' }, t('common.api')))));
}
