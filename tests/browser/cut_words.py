"""Words that a person cannot read: cut off at an edge, or under other words."""

from __future__ import annotations

from playwright.sync_api import Page

# whoever wants to see the whole of these points at them, or scrolls: names of files, surveys, wide tables
MAY_BE_CUT = ".pane-caption [title], .where, .scrolling, .strips, .frames"
FAULTS = """mayBeCut => {
  const faults = [], words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const name = node => node.data.trim().slice(0, 60);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || parent.closest('.unseen, .skip-link, .toasts, svg, option, script')) continue;
    if (!parent.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter(rect => rect.width > 1 && rect.height > 1);
    const edges = [{left: 0, right: innerWidth, top: 0, bottom: innerHeight, what: 'the window'}];
    for (let above = parent; above; above = above.parentElement) {
      if (getComputedStyle(above).overflowX === 'visible') continue;
      const {left, right, top, bottom} = above.getBoundingClientRect();
      edges.push({left, right, top, bottom, what: above.className || above.tagName});
    }
    for (const {left, right, what} of parent.closest(mayBeCut) ? [] : edges)
      if (rects.some(rect => rect.left < left - 1 || rect.right > right + 1))
        faults.push(`${name(node)}: cut by ${what}`);
    // what is scrolled out of sight covers nothing
    const inside = rect => edges.every(({top, bottom}) => rect.bottom <= bottom + 1 && rect.top >= top - 1);
    words.push(...rects.filter(inside).map(rect => ({node, rect})));
  }
  for (const [index, {node, rect}] of words.entries())
    for (const {node: other, rect: under} of words.slice(index + 1)) {
      if (node === other) continue;
      const wide = Math.min(rect.right, under.right) - Math.max(rect.left, under.left);
      const high = Math.min(rect.bottom, under.bottom) - Math.max(rect.top, under.top);
      if (wide > 3 && high > 0.4 * Math.min(rect.height, under.height))
        faults.push(`${name(node)}: over ${name(other)}`);
    }
  return faults;
}"""


def cut_words(page: Page) -> list[str]:
    """Each text of the page that is cut off or overlaps another."""
    return list(page.evaluate(FAULTS, MAY_BE_CUT))
