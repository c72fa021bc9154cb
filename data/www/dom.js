// SPDX-License-Identifier: LGPL-2.1-or-later

// Elements from code. Texts become text nodes: what people have written is
// never read as HTML.

export const byId = (id) => document.getElementById(id);

// `attributes`: name -> value. true is an attribute without a value; null,
// undefined and false are none; a function is a listener, `onclick: f`.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === 'function')
      element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter(
      (child) => child !== null && child !== undefined && child !== false));
  return element;
}
