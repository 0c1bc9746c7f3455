"""Every screen: accessible, by keyboard, at three widths, from this machine only."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route

from spotted.client import SessionHandle
from spotted.client.values import Confidence, Label
from spotted.constraints import Answer
from tests.browser.cut_words import cut_words
from tests.browser.person import current, enter, press_until_next, settled, wait_for
from tests.browser.site import ANIMALS, Site, detection_id
from tests.waiting import until

# whether both panes show the photographs that they name
SHOWN = "[...document.querySelectorAll('.pane')].every(one => one.dataset.shown === one.dataset.detection)"
SERIOUS = {"serious", "critical"}
WIDTHS = {1400: 900, 1024: 768, 400: 860}
# what each screen shows when it is ready
SCREENS = {
    "compare": ".pane[data-shown]:not([data-shown=''])",
    "conflicts": ".conflict",
    "catalogue": "a.individual",
    "progress": ".guarantees",
    "candidates": "a.card",
    "candidates/d00": ".candidate-list li",
    "export": ".command",
}


@pytest.fixture(scope="module")
def answered(site: Site) -> str:
    """A survey with answers, an individual of four photographs and a conflict."""
    survey_id = "answered"
    site.add_survey(survey_id)
    session = site.session(survey_id)
    session.next_pairs("anna")
    joined = [detection_id(number) for number in (0, 12, 24, 36)]

    def label(first: str, second: str, answer: Answer) -> None:
        session.submit_labels([Label(first, second, answer, "anna")])

    for first, second in itertools.pairwise(joined):
        label(first, second, Answer.SAME)
    label(joined[0], joined[-1], Answer.DIFFERENT)
    return survey_id


def open_screen(site: Site, page: Page, survey_id: str, screen: str) -> None:
    if not page.url.startswith(site.address):
        enter(page, site.entrance(survey_id))
    page.goto(f"{site.address}/#/{survey_id}/main/{screen}")
    page.wait_for_selector(SCREENS[screen])


def open_individual(site: Site, page: Page, survey_id: str) -> None:
    open_screen(site, page, survey_id, "catalogue")
    page.click("a.individual")
    page.wait_for_selector(".individual-page .map")


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", WIDTHS)
def test_no_screen_is_wider_than_the_window(site: Site, answered: str, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    for screen in SCREENS:
        open_screen(site, page, answered, screen)
        assert overflow(page) <= 0, screen
    open_individual(site, page, answered)
    assert overflow(page) <= 0
    page.goto(f"{site.address}/#/")
    page.wait_for_selector(".survey")
    assert overflow(page) <= 0


def cut_at_any_width(page: Page, screen: str) -> dict[tuple[str, int], list[str]]:
    """The words that cannot be read, by the screen and the width of the window."""
    found = {}
    for width, height in ((1400, 900), (1280, 800), (1024, 768), (768, 1024), (400, 860)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found[screen, width] = cut_words(page)
    return {where: words for where, words in found.items() if words}


def test_no_word_is_cut_or_covered_in_any_language(
    site: Site, answered: str, survey_id: str, page: Page
) -> None:
    site.add_survey(survey_id, strategy="learned", burst=True)
    enter(page, site.entrance(survey_id).replace("/#", "/?lang=es#"), shown="galleries")
    page.wait_for_selector(".burst")
    cut = cut_at_any_width(page, "burst es")
    page.keyboard.press("y")
    page.wait_for_selector(".gallery")
    for language in ("es", "fr", "en"):
        page.goto(f"{site.address}/?lang={language}#/{survey_id}/main/compare")
        page.wait_for_selector(".gallery")
        cut |= cut_at_any_width(page, f"gallery {language}")
        page.goto(f"{site.address}/#/")
        page.wait_for_selector(".survey")
        cut |= cut_at_any_width(page, f"start {language}")
        page.evaluate("localStorage.setItem('spotted-review shown', 'pairs')")
        for screen in SCREENS:
            open_screen(site, page, answered, screen)
            cut |= cut_at_any_width(page, f"{screen} {language}")
    assert cut == {}


def test_photographs_have_four_fifths_of_the_height(site: Site, answered: str, page: Page) -> None:
    open_screen(site, page, answered, "compare")
    box = page.locator(".pane .frame").first.bounding_box()
    assert box is not None
    assert box["height"] >= 0.8 * WIDTHS[1400]


def faults(page: Page, front: Path) -> list[str]:
    page.evaluate((front / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_serious_fault(site: Site, answered: str, page: Page, front: Path, theme: str) -> None:
    page.add_init_script(f"localStorage.setItem('spotted-review theme', '{theme}')")
    for screen in SCREENS:
        open_screen(site, page, answered, screen)
        assert faults(page, front) == [], screen
    open_individual(site, page, answered)
    assert faults(page, front) == []
    page.goto(f"{site.address}/#/")
    page.wait_for_selector(".survey")
    assert faults(page, front) == []


@pytest.mark.parametrize("key", ["?", "i", "g", "m"])
def test_axe_finds_no_serious_fault_in_what_compare_opens(
    site: Site, answered: str, page: Page, front: Path, key: str
) -> None:
    open_screen(site, page, answered, "compare")
    page.keyboard.press(key)
    page.wait_for_selector("dialog[open], .map-view")
    assert faults(page, front) == []


@pytest.mark.parametrize("shown", ["pairs", "galleries"])
def test_later_photographs_are_loaded_when_those_on_the_screen_are_drawn(
    site: Site, survey_id: str, page: Page, shown: str
) -> None:
    site.add_survey(survey_id, strategy="learned")
    asked: list[str] = []
    held: list[Route] = []
    drawn = threading.Event()
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.route("**/img/**crop=image**", lambda one: one.continue_() if drawn.is_set() else held.append(one))
    enter(page, site.entrance(survey_id), shown=shown)
    until(lambda: page.evaluate("true") and held, "a photograph is asked for")
    on_screen = set(current(page).partition(":")[2].split(","))

    def photographs() -> set[str]:
        return {path.split("/")[3] for path in asked if path.startswith("/img/")}

    assert photographs() <= on_screen
    drawn.set()
    for route in held:
        route.continue_()
    until(lambda: page.evaluate("true") and photographs() - on_screen, "later photographs are asked for")


def test_everything_on_the_way_to_an_answer_works_by_keyboard(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    page.keyboard.press("q")
    page.wait_for_selector(".survey")
    link = page.locator(f".survey a[href='#/{survey}/main/compare']")
    for _ in range(200):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    assert width >= 2, "the focus is not visible"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-key]")
    press_until_next(page, "ArrowLeft")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    before = current(page)
    page.keyboard.press("s")  # a dialog keeps keys for itself
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert current(page) == before
    page.keyboard.press("Control+z")
    wait_for(page, f"document.querySelector('[data-key]').dataset.key !== '{before}'")


def test_a_question_is_read_aloud(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    spoken = page.locator("[role=status][aria-live=polite]").inner_text()
    assert "The same animal?" in spoken
    assert "EAT" in spoken, "the clock is that of the survey"


def test_a_key_may_be_another_one(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    page.keyboard.press("?")
    page.click("dialog button[aria-label^='Different animals']")
    page.wait_for_selector("dialog >> text=Press a key")
    page.keyboard.press("w")
    page.wait_for_selector("dialog >> text=Press a key", state="detached")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    press_until_next(page, "w")


def test_zoom_is_linked_and_a_new_pair_starts_at_the_animal(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    wait_for(
        page,
        SHOWN,
    )
    before = [page.locator(".pane .stage").nth(n).screenshot() for n in range(2)]
    page.keyboard.press("+")
    page.wait_for_timeout(500)
    after = [page.locator(".pane .stage").nth(n).screenshot() for n in range(2)]
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.keyboard.press("0")
    page.wait_for_timeout(500)
    assert [page.locator(".pane .stage").nth(n).screenshot() for n in range(2)] == before


# of each pane: the centre of the frame and of each numbered dot that is shown
DOTS = """[...document.querySelectorAll('.pane .frame')].map(frame => {
  const {left, top, width, height} = frame.getBoundingClientRect();
  const dots = [...frame.querySelectorAll('.dots span')].filter(dot => !dot.hidden);
  return dots.map(dot => {
    const box = dot.getBoundingClientRect();
    return [box.left + box.width / 2 - left - width / 2, box.top + box.height / 2 - top - height / 2];
  });
})"""


def test_matched_marks_are_numbered_at_one_place_of_the_coat_on_request(
    site: Site, survey: str, page: Page
) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    pairs = [
        (pair.first.detection_id, pair.second.detection_id)
        for pair in site.session(survey).next_pairs("anna", count=10).pairs
    ]
    one_animal = next(pair for pair in pairs[1:] if len({int(i[1:]) % ANIMALS for i in pair}) == 1)
    site.match_marks(survey, {*one_animal, *map(detection_id, range(ANIMALS))} - {*pairs[0]} | {*one_animal})
    enter(page, site.entrance(survey))
    page.keyboard.press("p")
    page.wait_for_selector(f".marks-note >> text=spotted match-marks {survey}")
    while current(page) != "pair:" + ",".join(one_animal):
        press_until_next(page, "d")
    wait_for(page, SHOWN)
    assert page.evaluate(DOTS) == [[], []], "photographs are clean unless marks are asked for"
    page.keyboard.press("p")
    wait_for(page, f"{DOTS}.every(dots => dots.length > 1)")
    assert "matched mark" in page.inner_text(".marks-note")
    left, right = (np.array(pane) for pane in page.evaluate(DOTS))
    # both photographs show the same drawing, with other noise
    assert np.median(np.abs(left - right)) < 1.5
    page.keyboard.press("+")
    until(lambda: np.allclose(page.evaluate(DOTS)[1], 1.25 * right, atol=3.0), "the dots zoom with the coat")
    page.keyboard.press("f")
    until(
        lambda: np.allclose(page.evaluate(DOTS)[1], 1.25 * right * [-1.0, 1.0], atol=3.0), "and are mirrored"
    )
    page.keyboard.press("p")
    wait_for(page, "document.querySelectorAll('.dots').length === 0")


def test_the_page_asks_nobody_else(site: Site, answered: str, page: Page) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - it marks what it is given
    for screen in SCREENS:
        open_screen(site, page, answered, screen)
    hosts = {
        urlsplit(request.url).netloc for request in asked if not request.url.startswith(("data:", "blob:"))
    }
    assert hosts == {urlsplit(site.address).netloc}


def test_an_unfinished_export_needs_a_decision(site: Site, answered: str, page: Page) -> None:
    open_screen(site, page, answered, "export")
    download = page.locator("text=Download the table")
    assert download.evaluate("element => element.disabled")
    page.check("input[type=checkbox]")
    with page.expect_download() as started:
        page.click("text=Download the table")
    table = Path(started.value.path()).read_text()
    assert table.startswith("detection_id,individual_id,display_name")
    assert detection_id(0) in table


def test_an_individual_is_named_split_and_put_back(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    press_until_next(page, "s")
    page.goto(f"{site.address}/#/{survey}/main/catalogue")
    page.click("a.individual")
    page.fill(".attributes label:has-text('Name') input", "Sita")
    page.click(".attributes button")
    page.wait_for_selector("h1:has-text('Sita')")
    page.click(".individual-page .card >> nth=0")
    page.click("text=These are another animal")
    page.wait_for_selector(".individual-page .card >> nth=1", state="detached")
    page.click("text=Undo this change")
    page.wait_for_selector(".individual-page .card >> nth=1")
    names = {one.display_name for one in site.session(survey).individuals()}
    assert "Sita" in names


def test_a_conflict_is_taken_back(site: Site, survey: str, page: Page) -> None:
    session = site.session(survey)
    session.next_pairs("ben")
    joined = [detection_id(number) for number in (0, 12, 24)]
    for first, second, answer in (
        (joined[0], joined[1], Answer.SAME),
        (joined[1], joined[2], Answer.SAME),
        (joined[0], joined[2], Answer.DIFFERENT),
    ):
        session.submit_labels([Label(first, second, answer, "ben")])
    open_screen(site, page, survey, "conflicts")
    page.click(".conflict .link.different button:has-text('Take back')")
    page.click("dialog button.primary")
    page.wait_for_selector("text=No answer contradicts another")
    assert list(session.conflicts()) == []


def test_two_individuals_are_merged_after_a_look_at_both(site: Site, survey: str, page: Page) -> None:
    session = site.session(survey)
    session.next_pairs("ben")
    for first, second in ((0, 12), (24, 36)):
        session.submit_labels([Label(detection_id(first), detection_id(second), Answer.SAME, "ben")])
    open_screen(site, page, survey, "catalogue")
    page.click("a.individual >> nth=0")
    page.click("summary:has-text('Merge with')")
    page.fill("details[open] input[type=search]", "ind-")
    page.select_option("details[open] select", index=1)
    page.wait_for_selector(".merge-preview img")
    page.click("text=They are one animal")
    page.wait_for_selector(".individual-page .card >> nth=3")
    assert max(len(one.detection_ids) for one in session.individuals()) == 4


def test_a_mouse_leaves_the_keys_to_the_question(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    page.click("[data-answer=different]")
    wait_for(page, "window.shown.length > 1")
    press_until_next(page, "Space")
    settled(page)
    assert [label.answer.name for label in site.session(survey).labels()] == ["DIFFERENT", "SKIP"]


def test_how_sure_and_a_note_go_with_the_answer_and_who_leaves_gives_the_questions_back(
    site: Site, survey: str, page: Page
) -> None:
    session = site.session(survey)
    enter(page, site.entrance(survey))
    page.keyboard.press("3")
    page.keyboard.press("t")
    page.keyboard.type("torn ear, d")
    page.keyboard.press("Enter")
    press_until_next(page, "d")
    settled(page)
    label = session.labels()[0]
    assert (label.note, label.confidence) == ("torn ear, d", Confidence.GUESS)
    assert page.locator("[data-confidence][aria-pressed=true]").count() == 0
    mine = current(page)
    page.keyboard.press("q")
    until(lambda: _best(session) == mine, "the question is asked of others")


def _best(session: SessionHandle) -> str:
    """The best question for another annotator, who gives it back."""
    (pair,) = session.next_pairs("ben").pairs
    session.release_leases("ben")
    return f"pair:{pair.first.detection_id},{pair.second.detection_id}"


def test_the_page_speaks_the_language_of_its_address_and_keeps_it(
    site: Site, answered: str, page: Page
) -> None:
    enter(page, site.entrance(answered).replace("/#", "/?lang=fr#"))
    assert page.inner_text("h1") == "Est-ce le même animal ?"
    assert page.evaluate("document.documentElement.lang") == "fr"
    page.goto(f"{site.address}/#/{answered}/main/conflicts")
    page.reload()
    page.wait_for_selector("h1:has-text('Contradictions')")
    page.click(".conflict .link button:has-text('Retirer') >> nth=0")
    page.wait_for_selector("dialog [data-count=conflicts]")
