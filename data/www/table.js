// SPDX-License-Identifier: LGPL-2.1-or-later

// A table that is sorted by a click on a head, and whose rows stay the same
// elements while their figures change: the focus and what is selected stay.

import { h } from './dom.js';
import { currentLanguage } from './i18n.js';

const fallsAtFirst = ({ falls, isNumber }) => Boolean(falls ?? isNumber);

// Roles are said, since a table that CSS shows as cards loses its own.
export class Table {
  #columns;
  #rows = new Map();
  #shown = [];
  #sorted;
  #falling;
  #heads = new Map();
  #body = h('tbody', { role: 'rowgroup' });

  // `columns`: { key, label, isNumber, falls, value(row), cell(row) }. One
  // without `value` does not sort; `value` gives a number or a text. `cell`
  // gives what is shown, a text or an element. `falls`: the highest comes
  // first, as it does for numbers. `sorted`: the key to begin with.
  constructor({ caption, columns, sorted }) {
    this.#columns = columns;
    this.#sorted = columns.find(({ key }) => key === sorted);
    this.#falling = fallsAtFirst(this.#sorted);
    this.element = h('table', { role: 'table', class: 'grid' },
        h('caption', { class: 'visually-hidden' }, caption),
        h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' },
            columns.map((column) => this.#head(column)))),
        this.#body);
    this.#markHeads();
  }

  // `rows`: each with an `id`.
  update(rows) {
    this.#shown = rows;
    const ids = new Set(rows.map(({ id }) => id));
    for (const [id, { element }] of this.#rows) {
      if (!ids.has(id)) {
        element.remove();
        this.#rows.delete(id);
      }
    }
    for (const row of rows)
      this.#fill(row);
    this.#order();
  }

  #head(column) {
    const { key, label, isNumber, value } = column;
    const head = h('th', { role: 'columnheader', scope: 'col', 'data-key': key,
      class: isNumber ? 'number' : null },
    value ? h('button', { type: 'button', onclick: () => this.#sortBy(column) },
        label) : label);
    this.#heads.set(column, head);
    return head;
  }

  #sortBy(column) {
    this.#falling = column === this.#sorted ?
      !this.#falling : fallsAtFirst(column);
    this.#sorted = column;
    this.#markHeads();
    this.#order();
  }

  #markHeads() {
    for (const [column, head] of this.#heads) {
      if (column === this.#sorted)
        head.setAttribute('aria-sort',
            this.#falling ? 'descending' : 'ascending');
      else
        head.removeAttribute('aria-sort');
    }
  }

  #fill(row) {
    let known = this.#rows.get(row.id);
    if (!known) {
      const cells = this.#columns.map(({ key, label, isNumber }) => h('td', {
        role: 'cell', 'data-key': key, 'data-head': label,
        class: isNumber ? 'number' : null,
      }));
      known = { cells, element: h('tr', { role: 'row', 'data-id': row.id },
          cells), texts: [] };
      this.#rows.set(row.id, known);
    }
    this.#columns.forEach(({ cell }, i) => {
      const content = cell(row);
      const text = content.outerHTML ?? content;
      if (known.texts[i] === text)
        return;
      known.texts[i] = text;
      known.cells[i].replaceChildren(content);
    });
  }

  // Only what stands in another place is moved: a moved button loses the focus.
  #order() {
    const { value } = this.#sorted;
    const collator = new Intl.Collator(currentLanguage());
    const way = this.#falling ? -1 : 1;
    const compare = (a, b) => typeof a === 'number' ?
      a - b : collator.compare(a, b);
    [...this.#shown]
        .sort((a, b) => way * compare(value(a), value(b)) ||
          collator.compare(a.id, b.id))
        .forEach(({ id }, i) => {
          const { element } = this.#rows.get(id);
          const there = this.#body.children[i];
          if (there !== element)
            this.#body.insertBefore(element, there ?? null);
        });
  }
}
