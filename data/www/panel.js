// SPDX-License-Identifier: LGPL-2.1-or-later

// What the developer's and the operator's page have in common: a secret that is
// asked for and kept by nothing but the page, a question before what cannot be
// undone, buttons that copy, and work that repeats while somebody looks.

import { ApiError } from './api.js';
import { byId, h } from './dom.js';
import { t } from './i18n.js';

const COPIED_FOR = 2000;

// What the API said, or that it did not answer.
export const errorText = (error) =>
  error instanceof ApiError && error.status !== 0 ? error.detail :
    t('panel.noAnswer');

// What stands after the # of the address, and is not the name of a place in the
// page. It is gone from the address bar and from the history then.
function takeSecret() {
  const hash = location.hash.slice(1);
  if (hash === '' || byId(hash))
    return '';
  history.replaceState(null, '', location.pathname + location.search);
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

// The form #entry. `open(secret)` is to throw if the secret opens nothing; what
// it throws is told beside the field.
export class Entry {
  #open;
  #section = byId('entry');
  #form = byId('entry-form');
  #field = byId('secret');
  #show = byId('secret-show');
  #paste = byId('secret-paste');
  #mistake = byId('entry-mistake');
  #submit = byId('entry-submit');

  constructor(open) {
    this.#open = open;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(this.#field.value.trim());
    });
    this.#show.addEventListener('click', () =>
      this.#setShown(this.#field.type === 'password'));
    // Browsers have it on https and on this machine only.
    this.#paste.hidden = !navigator.clipboard?.readText;
    this.#paste.addEventListener('click', () => this.#pasteSecret());
    addEventListener('hashchange', () => this.#tryAddress());
  }

  start() {
    if (!this.#tryAddress())
      this.#field.focus();
  }

  // Asks again, and says why.
  reopen(mistake = '') {
    this.#section.hidden = false;
    this.#setMistake(mistake);
    this.#field.focus();
  }

  #tryAddress() {
    const secret = takeSecret();
    if (secret)
      this.#try(secret);
    return secret !== '';
  }

  async #try(secret) {
    if (secret === '') {
      this.#field.focus();
      return;
    }
    this.#setMistake('');
    this.#setBusy(true);
    try {
      await this.#open(secret);
      this.#section.hidden = true;
      this.#field.value = '';
      this.#setShown(false);
    } catch (error) {
      this.reopen(errorText(error));
      this.#field.select();
    } finally {
      this.#setBusy(false);
    }
  }

  async #pasteSecret() {
    try {
      this.#field.value = (await navigator.clipboard.readText()).trim();
    } catch {
      // The user did not allow it: the keyboard still can.
    }
    this.#field.focus();
  }

  #setShown(isShown) {
    this.#field.type = isShown ? 'text' : 'password';
    this.#show.setAttribute('aria-pressed', String(isShown));
  }

  #setMistake(text) {
    this.#mistake.textContent = text;
    this.#mistake.hidden = text === '';
    this.#field.setAttribute('aria-invalid', String(text !== ''));
  }

  #setBusy(isBusy) {
    this.#submit.disabled = isBusy;
    this.#submit.textContent =
        isBusy ? t('panel.checking') : t('panel.open');
  }
}

// Resolves to whether the user wants `action`. The focus is on the way back.
export function ask({ title, text, action }) {
  const no = h('button', { type: 'button', class: 'button' },
      t('common.cancel'));
  const yes = h('button', { type: 'button', class: 'button danger' }, action);
  const dialog = h('dialog',
      { 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text' },
      h('h2', { id: 'ask-title' }, title),
      h('p', { id: 'ask-text' }, text),
      h('div', { class: 'actions' }, no, yes));
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => dialog.close('yes'));
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}

// On http, and not on this machine, browsers have only the old way.
async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h('textarea', { class: 'away', 'aria-hidden': 'true' });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

// A button that copies what `read()` gives. `what` is for those who do not see
// what it stands beside.
export function copyButton(what, read) {
  const said = h('span', { class: 'visually-hidden', role: 'status' });
  const word = h('span', { 'aria-hidden': 'true' }, t('common.copy'));
  const button = h('button', {
    type: 'button', class: 'button small', 'aria-label': t('panel.copyWhat',
        { what }),
  }, word);
  let timer = 0;
  button.addEventListener('click', async () => {
    let text = t('common.copied');
    try {
      await copy(read());
    } catch {
      text = t('panel.notCopied');
    }
    button.focus();
    said.textContent = word.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => {
      said.textContent = '';
      word.textContent = t('common.copy');
    }, COPIED_FOR);
  });
  return h('span', { class: 'copy' }, button, said);
}
