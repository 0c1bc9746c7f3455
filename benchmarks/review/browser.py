"""A person who answers in Chromium; the page's own clock says when the next pair was on the screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, ViewportSize, sync_playwright

from spotted.errors import PreconditionError

NAMES = ("chromium", "chromium-browser", "google-chrome")
VIEWPORT: ViewportSize = {"width": 1400, "height": 900}
PATIENCE_MS = 60_000.0
MS = 1e3
# both panes show the photographs of the question on the screen
SHOWN = """
const shown = () => {
  const panes = [...document.querySelectorAll('.pane')];
  const drawn = panes.length === 2 && panes.every((one) => one.dataset.shown === one.dataset.detection);
  return drawn ? (document.querySelector('[data-key]')?.dataset.key ?? '') : '';
};
"""
# the time of the first pair, and from each key to the next one
CLOCK = f"""(() => {{
  {SHOWN}
  window.clock = {{first: null, waits: []}};
  let pressed = null;
  let before = '';
  addEventListener('keydown', () => {{ before = shown(); pressed = performance.now(); }}, true);
  const look = () => {{
    const key = shown();
    if (key && window.clock.first === null) window.clock.first = performance.now();
    if (pressed === null || !key || key === before) return;
    window.clock.waits.push(performance.now() - pressed);
    pressed = null;
  }};
  new MutationObserver(look).observe(document, {{subtree: true, childList: true, attributes: true}});
}})()"""


@dataclass(frozen=True, slots=True)
class Person:
    """The waits of a person."""

    first_s: float
    """From opening the address to the first pair."""
    waits_ms: tuple[float, ...]
    """From each key to the next pair."""
    requested: dict[str, int]
    """Requests of pictures, by size."""


@contextmanager
def _tab() -> Iterator[Page]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise PreconditionError("there is no Chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # as root in a container Chromium has no sandbox of its own
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(viewport=VIEWPORT).new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def answer(address: str, *, keys: int, pace_s: float) -> Person:
    """Open the page and answer. Raises PreconditionError without Chromium, RuntimeError if no pair comes.

    keys: answers. pace_s: from one to the next.
    """
    with _tab() as page:
        requested: dict[str, int] = {}
        page.on("request", lambda request: _count(requested, request.url))
        page.add_init_script("localStorage.setItem('spotted-review shown', 'pairs')")
        page.add_init_script(CLOCK)
        page.goto(address)
        _until(page, "window.clock.first !== null")
        first_ms = float(page.evaluate("window.clock.first"))
        page.wait_for_timeout(pace_s * MS)
        for number in range(keys):
            page.keyboard.press("s" if number % 5 == 0 else "d")
            page.wait_for_timeout(pace_s * MS)
            _until(page, f"window.clock.waits.length > {number}")
        waits = tuple(float(one) for one in page.evaluate("window.clock.waits"))
    return Person(first_ms / MS, waits, dict(sorted(requested.items())))


def _until(page: Page, condition: str) -> None:
    """Wait for a condition; Playwright's own way is against the page's security policy."""
    for _ in range(int(PATIENCE_MS / 50)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise RuntimeError(f"the page did not show the next pair within {PATIENCE_MS / MS:.0f} s")


def _count(requested: dict[str, int], url: str) -> None:
    path, _, query = url.partition("?")
    if "/img/" not in path:
        return
    kind = "tiles" if "/tiles/" in path else "info" if path.endswith("/info") else query or "whole"
    requested[kind] = requested.get(kind, 0) + 1
