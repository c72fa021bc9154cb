// SPDX-License-Identifier: LGPL-2.1-or-later

// Texts, numbers and times in the language of the viewer. A language is one
// file of texts/: everything of `en.js`, said in another way.

export const languages = [
  { code: 'en', name: 'English' },
  { code: 'ru', name: 'Русский' },
];

const STORED = 'language';
const AGO_UNITS = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
];

let language = 'en';
let texts = {};

// Resolves when texts can be asked for.
export const ready = load();

async function load() {
  language = choose();
  const { default: loaded } = await import(`./texts/${language}.js`);
  texts = loaded.texts;
  document.documentElement.lang = language;
  document.documentElement.dir = loaded.dir;
}

function choose() {
  const wanted = [
    new URLSearchParams(location.search).get('lang'),
    stored(),
    ...navigator.languages,
  ];
  for (const tag of wanted) {
    const code = tag?.split('-')[0].toLowerCase();
    if (languages.some((known) => known.code === code))
      return code;
  }
  return 'en';
}

// A browser may forbid to store: then the choice holds for this page only.
function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const currentLanguage = () => language;

export function setLanguage(code) {
  const url = new URL(location);
  url.searchParams.delete('lang');
  try {
    localStorage.setItem(STORED, code);
  } catch {
    url.searchParams.set('lang', code);
  }
  if (url.href === location.href)
    location.reload();
  else
    location.replace(url);
}

// The text of `key`, 'section.name'. `{name}` in it becomes values.name; one
// with plural forms is chosen by values.n.
export function t(key, values = {}) {
  const [section, name] = key.split('.');
  let text = texts[section]?.[name];
  if (typeof text === 'object')
    text = text[new Intl.PluralRules(language).select(values.n)] ?? text.other;
  if (text === undefined)
    return key;
  return text.replace(/\{(\w+)\}/g, (_, value) => {
    const given = values[value];
    return typeof given === 'number' ? formatNumber(given) : String(given);
  });
}

export const formatNumber = (value, options) =>
  new Intl.NumberFormat(language, options).format(value);

// Of bits a second.
export function formatBits(value) {
  const units = ['bit', 'kilobit', 'megabit', 'gigabit'];
  let i = 0;
  for (; value >= 1000 && i < units.length - 1; i += 1)
    value /= 1000;
  return formatNumber(value, {
    style: 'unit', unit: `${units[i]}-per-second`,
    maximumFractionDigits: value < 10 ? 1 : 0,
  });
}

// As a clock: 4:05, 1:04:05.
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600)
    parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, i) => i ? String(part).padStart(2, '0') : part)
      .join(':');
}

export const formatDate = (iso) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
      .format(new Date(iso));

// "5 minutes ago", "in 3 days": rounded down, since a limit must not seem
// farther than it is.
export function formatAgo(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, length] of AGO_UNITS) {
    if (Math.abs(seconds) >= length)
      return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, 'second');
}

const TARGETS = {
  text: (element, text) => { element.textContent = text; },
  label: (element, text) => element.setAttribute('aria-label', text),
  placeholder: (element, text) => element.setAttribute('placeholder', text),
  title: (element, text) => element.setAttribute('title', text),
};

// Fills what says data-text="key" and the like, in and below `root`.
export function translate(root) {
  for (const [name, fill] of Object.entries(TARGETS)) {
    for (const element of root.querySelectorAll(`[data-${name}]`))
      fill(element, t(element.dataset[name]));
  }
}
