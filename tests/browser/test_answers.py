"""Answers at the page against the journal: none lost, none doubled, whatever happens meanwhile."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from spotted.client.values import Confidence, Label
from tests.browser.person import CURRENT, current, enter, pairs, press_until_next, settled, shown, wait_for
from tests.browser.site import COUNT, Site, detection_id
from tests.waiting import PATIENCE_S


def answers(labels: list[Label]) -> list[tuple[str, str]]:
    return [(label.first_detection_id, label.second_detection_id) for label in labels]


def test_fifty_keys_in_haste_are_fifty_labels_of_the_pairs_that_were_shown(
    site: Site, survey: str, page: Page
) -> None:
    enter(page, site.entrance(survey))
    while len(shown(page)) <= 50:
        press_until_next(page, "d")
    settled(page)
    stored = answers(site.session(survey).labels())
    assert stored == pairs(shown(page)[:-1])
    assert len(set(stored)) == len(stored) >= 50


def test_a_key_that_is_held_answers_once(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    page.keyboard.down("d")
    for _ in range(10):
        page.keyboard.down("d")  # what a keyboard repeats
    page.keyboard.up("d")
    wait_for(page, "window.shown.length > 1")
    settled(page)
    assert len(site.session(survey).labels()) == 1


def test_undo_to_zero_restores_the_session_and_redo_answers_again(
    site: Site, survey: str, page: Page
) -> None:
    enter(page, site.entrance(survey))
    for key in "sdsxsd":
        press_until_next(page, key)
    asked = shown(page)
    settled(page)
    before = site.session(survey).progress()
    assert before.individuals == COUNT - 3
    page.reload()  # undo outlives it
    page.wait_for_selector("[data-key]")
    for expected in reversed(asked[:-1]):
        page.keyboard.press("u")
        wait_for(page, f"document.querySelector('[data-key]').dataset.key === '{expected}'")
    settled(page)
    session = site.session(survey)
    assert session.labels() == []
    assert session.progress().individuals == COUNT
    page.keyboard.press("r")
    wait_for(page, f"document.querySelector('[data-key]').dataset.key === '{asked[1]}'")
    settled(page)
    assert answers(session.labels()) == pairs(asked[:1])


def test_answers_wait_while_the_sampler_is_gone_and_are_stored_in_order_when_it_is_back(
    site: Site, survey: str, page: Page
) -> None:
    enter(page, site.entrance(survey))
    for _ in range(10):
        press_until_next(page, "d")
    settled(page)
    site.sampler.kill()
    try:
        for _ in range(3):
            press_until_next(page, "s")
        page.wait_for_selector(".banner")
        assert "3 answers wait" in page.inner_text(".banner")
        assert len(shown(page)) == 14
    finally:
        site.sampler.start()
    settled(page)
    page.wait_for_selector(".banner", state="detached")
    labels = site.session(survey).labels()
    assert answers(labels) == pairs(shown(page)[:13])
    assert [label.answer.name for label in labels] == ["DIFFERENT"] * 10 + ["SAME"] * 3


def test_answers_that_wait_survive_the_page(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    site.sampler.kill()
    try:
        press_until_next(page, "s")
        page.wait_for_selector(".banner")
        asked = shown(page)[0]
        page.close()
    finally:
        site.sampler.start()
    again = page.context.new_page()
    again.goto(f"{site.address}/#/{survey}/main/compare")
    again.wait_for_selector("[data-key]")
    settled(again)
    assert answers(site.session(survey).labels()) == pairs([asked])


def test_two_people_never_see_one_pair(site: Site, survey: str, page: Page, browser: Browser) -> None:
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_S * 1000)
    try:
        enter(page, site.entrance(survey, "anna"))
        enter(other, site.entrance(survey, "ben"))
        for _ in range(12):
            press_until_next(page, "d")
            press_until_next(other, "d")
        settled(page)
        settled(other)
        assert not set(shown(page)) & set(shown(other))
        labels = site.session(survey).labels()
        assert sorted(label.annotator_id for label in labels) == ["anna"] * 12 + ["ben"] * 12
    finally:
        other.context.close()


def test_of_two_tabs_of_one_person_one_works(site: Site, survey: str, page: Page) -> None:
    enter(page, site.entrance(survey))
    press_until_next(page, "d")
    second = page.context.new_page()
    second.goto(f"{site.address}/#/{survey}/main/compare")
    second.wait_for_selector("text=Work here instead")
    second.keyboard.press("d")
    assert current(second) == ""
    second.click("text=Work here instead")
    second.wait_for_selector("[data-key]")
    page.wait_for_selector("text=Work here instead")
    press_until_next(second, "d")
    settled(second)
    assert len(site.session(survey).labels()) == 2


def test_a_gallery_is_answered_by_digits(site: Site, survey_id: str, page: Page) -> None:
    site.add_survey(survey_id, strategy="learned")
    enter(page, site.entrance(survey_id), shown="galleries")
    page.wait_for_selector(".gallery")
    page.click("text=⤢ >> nth=0")
    page.click("dialog [data-marks]")
    page.wait_for_selector("dialog .marks-note >> text=has no marks of coats")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    _, _, members = current(page).partition(":")
    anchor, first, *rest = members.split(",")
    page.keyboard.press("1")
    page.wait_for_selector(".candidate.same")
    # the keys of a note mark, skip and submit nothing
    page.keyboard.press("t")
    page.keyboard.type("torn ear, 20 cm")
    page.keyboard.press("Enter")
    page.click("[data-confidence=guess]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    wait_for(page, "window.shown.length > 1")
    settled(page)
    labels = site.session(survey_id).labels()
    given = {
        frozenset((label.first_detection_id, label.second_detection_id)): label.answer.name
        for label in labels
    }
    assert {(label.note, label.confidence) for label in labels} == {("torn ear, 20 cm", Confidence.GUESS)}
    expected = {frozenset((anchor, one)): "DIFFERENT" for one in rest}
    assert given == {frozenset((anchor, first)): "SAME", **expected}


def test_galleries_in_haste_ask_no_pair_twice(site: Site, survey_id: str, page: Page) -> None:
    site.add_survey(survey_id, strategy="learned")
    enter(page, site.entrance(survey_id), shown="galleries")
    for _ in range(12):
        # an animal with one candidate left is asked about as a pair
        press_until_next(page, "0" if current(page).startswith("gallery:") else "d")
    settled(page)
    stored = [frozenset(pair) for pair in answers(site.session(survey_id).labels())]
    assert len(stored) > 24
    assert len(set(stored)) == len(stored)


def test_a_burst_is_one_answer(site: Site, survey_id: str, page: Page) -> None:
    site.add_survey(survey_id, strategy="learned", burst=True)
    enter(page, site.entrance(survey_id), shown="galleries")
    page.wait_for_selector(".burst")
    page.keyboard.press("2")
    page.keyboard.press("t")
    page.keyboard.type("yny")
    page.keyboard.press("Enter")
    page.keyboard.press("y")
    wait_for(page, "window.shown.length > 1")
    settled(page)
    labels = site.session(survey_id).labels()
    assert {label.answer.name for label in labels} == {"SAME"}
    assert {(label.note, label.confidence) for label in labels} == {("yny", Confidence.FAIRLY_SURE)}
    assert {one for pair in answers(labels) for one in pair} == {detection_id(n) for n in (0, 12, 24, 36)}
    page.keyboard.press("u")
    page.wait_for_selector(".burst")
    settled(page)
    assert site.session(survey_id).labels() == []


def test_a_missing_photograph_is_named_and_the_pair_is_asked_later(
    site: Site, survey: str, page: Page
) -> None:
    first = site.session(survey).next_pairs("anna", count=1).pairs[0].first.detection_id
    file = site.photographs / f"{first}.jpg"
    away = file.rename(site.directory / file.name)
    try:
        enter(page, site.entrance(survey))
        page.wait_for_selector(".missing-photo")
        assert file.name in page.inner_text(".missing-photo")
        asked = current(page)
        page.click("text=Ask me later")
        wait_for(page, f"{CURRENT} !== '{asked}'")
        assert site.session(survey).labels() == []
    finally:
        away.rename(file)
