"""How a page looks to a browser: text that overlaps, is cut off or hard to see, and its figures.

Owns the code that runs inside the page; each function gives back what is wrong,
in words.
"""

from __future__ import annotations

from typing import Any

# Every piece of visible text with the boxes of its lines, in page coordinates.
# Boxes in a scrolling region are cut to what shows of it.
_TEXTS = """
function texts() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest('style, script, title, desc, .skip')) continue;
    if (!holder.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      let whole = {left: box.left, right: box.right, top: box.top, bottom: box.bottom};
      let shown = {...whole}, cut = null, scrolls = false;
      for (let around = holder; around && around !== document.documentElement;
           around = around.parentElement) {
        const style = getComputedStyle(around);
        if (style.overflowX === 'visible' || around.tagName === 'svg') continue;
        const its = around.getBoundingClientRect();
        const clips = ['hidden', 'clip'].includes(style.overflowX);
        if (clips && (its.left > whole.left + 1 || its.right < whole.right - 1 ||
                      its.top > whole.top + 1 || its.bottom < whole.bottom - 1)) cut = around;
        scrolls ||= !clips;
        shown = {left: Math.max(shown.left, its.left), right: Math.min(shown.right, its.right),
                 top: Math.max(shown.top, its.top), bottom: Math.min(shown.bottom, its.bottom)};
      }
      if (shown.right - shown.left < 1 || shown.bottom - shown.top < 1) {
        if (!cut) continue;
        shown = whole;
      }
      found.push({node, holder, text: node.data.trim(), whole, shown, cut, scrolls});
    }
  }
  return found;
}
const brief = text => JSON.stringify(text.slice(0, 60));
"""

_OVERLAPS = """() => {""" + _TEXTS + """
  // The box of a line is higher than its letters: a sixth of it above and below.
  const boxes = texts().map(one => {
    const sixth = (one.shown.bottom - one.shown.top) / 6;
    return {...one, top: one.shown.top + sixth, bottom: one.shown.bottom - sixth};
  }).sort((a, b) => a.top - b.top);
  const found = [];
  for (let i = 0; i < boxes.length; i++)
    for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom; j++) {
      const a = boxes[i], b = boxes[j];
      const wide = Math.min(a.shown.right, b.shown.right) - Math.max(a.shown.left, b.shown.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (a.node !== b.node && wide > 1 && high > 1)
        found.push(`${brief(a.text)} overlaps ${brief(b.text)} by ${wide} x ${high} px`);
    }
  return found;
}"""

_CUT = """() => {""" + _TEXTS + """
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > window.innerWidth)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ` +
               `${window.innerWidth} px`);
  for (const {holder, text, whole, shown, cut, scrolls} of texts()) {
    if (cut) found.push(`${brief(text)} is cut off by ${cut.tagName}.${cut.className}`);
    if (shown.left < -1 || shown.right > width + 1)
      found.push(`${brief(text)} leaves the window: ${shown.left} to ${shown.right} px`);
    const box = holder.closest('svg, .panel, .headline, .problems, .verdict');
    if (!box || scrolls) continue;
    const its = box.getBoundingClientRect();
    if (whole.left < its.left - 1 || whole.right > its.right + 1 ||
        whole.top < its.top - 1 || whole.bottom > its.bottom + 1)
      found.push(`${brief(text)} leaves its ${box.tagName}.${box.classList}`);
  }
  return found;
}"""

_CONTRAST = """() => {""" + _TEXTS + """
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgba = colour => {
    if (!known.has(colour)) known.set(colour, measured(colour));
    return known.get(colour);
  };
  const measured = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map(k => top[k] * top[3] + below[k] * (1 - top[3])).concat(1);
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(one => {
      const c = one / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  let least = 99;
  for (const {holder, text} of texts()) {
    const layers = [];
    for (let around = holder; around; around = around.parentElement) {
      const colour = rgba(getComputedStyle(around).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    const behind = layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    const style = getComputedStyle(holder);
    const ink = over(rgba(holder.closest('svg') ? style.fill : style.color), behind);
    const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    least = Math.min(least, ratio);
    if (ratio < 4.5) found.push(`${brief(text)} has a contrast of ${ratio.toFixed(2)}`);
  }
  return {found, least, count: texts().length};
}"""

_FIGURES = """() => [...document.querySelectorAll('[role=img], figure')].filter(
  one => getComputedStyle(one).display !== 'none').map(one => {
  const named = (one.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
    .map(id => document.getElementById(id)?.textContent ?? '').join(' ');
  const inside = one.tagName === 'FIGURE' ? [...one.querySelectorAll('[role=img]')].length : 1;
  return {tag: one.tagName, inside, drawn: one.getBoundingClientRect().height > 0,
          text: one.tagName === 'FIGURE' ? one.textContent
                : one.getAttribute('aria-label') || named};
})"""

_FILLS = """() => Object.fromEntries([...document.querySelectorAll('.fill')].filter(
  one => one.getBoundingClientRect().width > 40).map(one => {
    const box = one.getBoundingClientRect();
    return [[...one.classList].find(name => name !== 'fill'),
            {x: box.x + 3, y: box.y + window.scrollY + 2, width: 30, height: box.height - 4}];
}))"""


def overlaps(page: Any) -> list[str]:
    """Pairs of texts that lie on one another."""
    return page.evaluate(_OVERLAPS)


def cut_off(page: Any) -> list[str]:
    """Text outside of the window or of the box it belongs to, and a page that scrolls sideways."""
    return page.evaluate(_CUT)


def contrasts(page: Any) -> dict[str, Any]:
    """Texts with less than 4.5 : 1 against what is behind them, the least and the count."""
    return page.evaluate(_CONTRAST)


def figures(page: Any) -> list[dict[str, Any]]:
    """Every picture with its text alternative."""
    return page.evaluate(_FIGURES)


def fills(page: Any) -> dict[str, dict[str, float]]:
    """A piece of a bar of every look, as a clip of a full-page screenshot."""
    return page.evaluate(_FILLS)


def unfold(page: Any) -> None:
    """Open everything that can be opened."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
