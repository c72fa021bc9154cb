// SPDX-License-Identifier: LGPL-2.1-or-later

// What a page looks like, measured inside of it. Each function runs there, by
// page.evaluate(), so it knows nothing of this file.

// What does not fit into `width`: a list of sentences. `touch`: a finger must
// hit everything.
export function measureLayout({ touch, width }) {
  const TARGET = 44;
  const root = document.documentElement;
  const wrong = [];

  const describe = (element) => {
    const { id, className } = element;
    const text = (element.getAttribute('aria-label') ?? element.textContent)
        .trim().replace(/\s+/g, ' ').slice(0, 40);
    return `<${element.localName}${id && ` #${id}`}` +
        `${typeof className === 'string' && className &&
          ` .${className.trim().replace(/\s+/g, '.')}`}> "${text}"`;
  };
  const isShown = (element) => element.checkVisibility(
      { checkOpacity: true, checkVisibilityCSS: true });

  // Whether something round it hides or scrolls what sticks out of that.
  const isContained = (element) => {
    for (let outer = element.parentElement; outer && outer !== document.body;
      outer = outer.parentElement) {
      const box = outer.getBoundingClientRect();
      if (getComputedStyle(outer).overflowX !== 'visible' &&
          box.left >= -1 && box.right <= root.clientWidth + 1)
        return true;
    }
    return false;
  };

  // For readers of the screen only.
  const isTiny = ({ width, height }) => width <= 1 || height <= 1;

  const checkBox = (element) => {
    const box = element.getBoundingClientRect();
    if (isTiny(box) || box.bottom < 0 || isContained(element))
      return;
    if (box.left < -1 || box.right > root.clientWidth + 1)
      wrong.push(`${describe(element)} is from ${Math.round(box.left)} to ` +
          `${Math.round(box.right)} of ${root.clientWidth} px`);
  };

  const checkText = (element) => {
    const { clientWidth, scrollWidth } = element;
    if (clientWidth > 0 && scrollWidth > clientWidth + 1 &&
        getComputedStyle(element).textOverflow !== 'ellipsis')
      wrong.push(`${describe(element)} is narrower than its text: ` +
          `${clientWidth} of ${scrollWidth} px`);
  };

  // A link in a sentence is as high as its line.
  const isInText = (element) => element.localName === 'a' &&
      getComputedStyle(element).display === 'inline' &&
      element.parentElement.textContent.trim() !== element.textContent.trim();

  // A part of it that is drawn by the style may be larger, so may its label.
  const boxes = (element) => [
    element.getBoundingClientRect(),
    ...['::before', '::after'].map((part) => {
      const { content, width: w, height: h } = getComputedStyle(element, part);
      return content === 'none' ? { width: 0, height: 0 } :
        { width: parseFloat(w), height: parseFloat(h) };
    }),
    ...[...element.labels ?? []].map((label) => label.getBoundingClientRect()),
  ];

  const checkTarget = (element) => {
    const [own] = boxes(element);
    if (!isTiny(own) && !isInText(element) && !boxes(element).some((box) =>
      Math.min(box.width, box.height) >= TARGET - 0.5))
      wrong.push(`${describe(element)} is too small for a finger: ` +
          `${Math.round(own.width)} x ${Math.round(own.height)} px`);
  };

  if (root.clientWidth > width)
    wrong.push(`it is made for ${root.clientWidth} px, not for ${width}: ` +
        '<meta name="viewport"> is missing');
  if (root.scrollWidth > root.clientWidth)
    wrong.push(`the page scrolls sideways: ${root.scrollWidth} of ` +
        `${root.clientWidth} px`);
  const controls = 'a[href], button, input, select, textarea, summary, ' +
      '[role=button], [role=slider], [role=tab], [role=menuitem]';
  for (const element of document.body.querySelectorAll('*')) {
    if (!isShown(element))
      continue;
    checkBox(element);
    if (element.matches('button, a[href]'))
      checkText(element);
    if (touch && element.matches(controls))
      checkTarget(element);
  }
  return wrong;
}

// The elements that Tab should stop at, each with how it and what is round it
// look while the focus is elsewhere, and whether it can still be used.
export function listStops() {
  const groups = new Set();
  const isUsable = (element) => element.tabIndex >= 0 && !element.disabled &&
    !element.closest('[inert]') &&
    element.checkVisibility({ checkVisibilityCSS: true });
  const looks = (element) => {
    const all = [];
    for (let at = element, n = 0; at && n < 4; at = at.parentElement, n += 1) {
      for (const part of [null, '::before', '::after']) {
        const style = getComputedStyle(at, part);
        all.push(style.outlineStyle, style.outlineWidth, style.outlineColor,
            style.boxShadow, style.borderColor, style.backgroundColor);
      }
    }
    return all.join();
  };
  document.activeElement.blur();
  return [...document.querySelectorAll('a[href], button, input, select, ' +
      'textarea, summary, iframe, video[controls], [tabindex]')]
      .filter((element) => {
        if (!isUsable(element))
          return false;
        // Of radio buttons that belong together, one.
        if (element.type !== 'radio')
          return true;
        const isFirst = !groups.has(element.name);
        groups.add(element.name);
        return isFirst;
      })
      .map((element) => ({ element, looks, before: looks(element),
        isThere: () => isUsable(element) }));
}

// Of `stops` the one that has the focus, and whether that is seen; or null.
export function findFocus(stops) {
  for (const animation of document.getAnimations())
    if (animation instanceof CSSTransition)
      animation.finish();
  const active = document.activeElement;
  const index = stops.findIndex(({ element }) => element === active ||
      (active.type === 'radio' && element.name === active.name));
  if (index < 0)
    return null;
  const { element, looks, before } = stops[index];
  return { index, isSeen: looks(element) !== before };
}
