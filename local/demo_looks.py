"""What can be measured of whether everybody can use a page, as scripts for the browser: names, contrast, sizes, focus."""

from __future__ import annotations

# Whether it shows that something has the focus: a line around it, within the window.
OUTSIDE = """at => {
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const inWindow = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  return inWindow && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
}"""

# Everything that WCAG AA would complain of and that a script can tell, each as a sentence.
COMPLAINTS = """() => {
  const found = new Set();
  const visible = (at) => at.checkVisibility({ visibilityProperty: true }) && !at.closest('.fd-unseen, .fd-sr');
  const named = (at) => `${at.tagName.toLowerCase()} "${at.textContent.trim().slice(0, 30) || at.className}"`;

  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
  const ground = (at) => {
    for (let up = at; up; up = up.parentElement) {
      const colour = parse(getComputedStyle(up).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const opacity = (at) => at ? parseFloat(getComputedStyle(at).opacity) * opacity(at.parentElement) : 1;
  const ratio = (one, other) => {
    const [bright, dark] = [light(one), light(other)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const at = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !visible(at) || at.closest('svg, noscript, [aria-disabled=true]')) continue;
    const style = getComputedStyle(at), under = ground(at);
    const [r, g, b, a = 1] = parse(style.color);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const measured = ratio(over([r, g, b, a * opacity(at)], under), under);
    if (measured < (large ? 3 : 4.5)) found.add(`${named(at)} has a contrast of ${measured.toFixed(2)}`);
  }

  for (const at of document.querySelectorAll('input, select, textarea')) {
    if (!visible(at)) continue;
    if (!at.labels?.length && !at.ariaLabel) found.add(`${named(at)} has no label`);
    const border = ratio(parse(getComputedStyle(at).borderTopColor), ground(at.parentElement));
    const drawn = !['checkbox', 'radio'].includes(at.type);
    if (drawn && border < 3) found.add(`the edge of ${named(at)} has a contrast of ${border.toFixed(2)}`);
    const faint = at.placeholder ? ratio(parse(getComputedStyle(at, '::placeholder').color), ground(at)) : 21;
    if (faint < 4.5) found.add(`the placeholder of ${named(at)} has a contrast of ${faint.toFixed(2)}`);
    for (const id of (at.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean)) {
      if (!document.getElementById(id)) found.add(`${named(at)} is described by nothing`);
    }
  }
  for (const at of document.querySelectorAll('button, a[href], summary')) {
    if (!visible(at)) continue;
    if (!at.textContent.trim() && !at.ariaLabel) found.add(`${at.outerHTML.slice(0, 60)} has no name`);
    const box = at.getBoundingClientRect();
    const inText = at.tagName === 'A' && getComputedStyle(at).display === 'inline';
    if (!inText && (box.width < 24 || box.height < 24)) found.add(`${named(at)} is ${box.width} by ${box.height}`);
  }
  for (const at of document.querySelectorAll('img')) if (!at.hasAttribute('alt')) found.add(`${at.src} has no alt`);
  for (const at of document.querySelectorAll('svg')) {
    if (!at.ariaHidden && at.getAttribute('role') !== 'img') found.add('a drawing is neither hidden nor named');
  }
  const ids = [...document.querySelectorAll('[id]')].map((at) => at.id);
  ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => found.add(`the id ${id} stands twice`));
  let level = 0;
  for (const at of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!visible(at)) continue;
    const next = Number(at.tagName[1]);
    if (next > level + 1) found.add(`${named(at)} comes after a heading of level ${level}`);
    level = next;
  }
  if (!document.documentElement.lang) found.add('the page has no language');
  if (document.querySelectorAll('main').length !== 1) found.add('the page has no main part');
  return [...found];
}"""
