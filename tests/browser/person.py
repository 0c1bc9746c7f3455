"""What a person does at the page, and what the page showed them."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.waiting import until

CURRENT = "document.querySelector('[data-key]')?.dataset.key ?? ''"
# every question that was on the screen, in order
RECORD = f"""() => {{
  window.shown = [];
  const look = () => {{
    const key = {CURRENT};
    if (key && window.shown.at(-1) !== key) window.shown.push(key);
  }};
  new MutationObserver(look).observe(document.body, {{subtree: true, childList: true, attributes: true}});
  look();
}}"""


def wait_for(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own way is against the page's security policy."""
    until(lambda: page.evaluate(condition), condition)


def enter(page: Page, address: str, *, shown: str = "pairs") -> None:
    """Open the page at its first question. shown: `pairs` or `galleries`."""
    page.add_init_script(f"localStorage.setItem('spotted-review shown', '{shown}')")
    page.goto(address)
    page.wait_for_selector("[data-key]")
    page.evaluate(RECORD)


def current(page: Page) -> str:
    """The question on the screen, `""` for none."""
    return str(page.evaluate(CURRENT))


def shown(page: Page) -> list[str]:
    """All questions since `enter`, in order."""
    return list(page.evaluate("window.shown"))


def pairs(keys: list[str]) -> list[tuple[str, str]]:
    """The detections of questions about pairs."""
    return [(first, second) for first, second in (key.removeprefix("pair:").split(",") for key in keys)]


def press_until_next(page: Page, key: str) -> None:
    """Press a key again and again, as in haste, until another question is on the screen."""
    before = current(page)

    def changed() -> bool:
        page.keyboard.press(key)
        page.wait_for_timeout(20)
        return current(page) not in {before, ""}

    until(changed, f"another question after {key}")


def settled(page: Page) -> None:
    """Wait until no answer waits to be sent."""
    wait_for(page, "document.querySelector('[data-waiting]')?.dataset.waiting === '0'")
