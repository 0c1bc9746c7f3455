"""A browser and the review page, once for all tests; skips if there is no Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.front import with_packages
from tests.browser.site import Site, running_site
from tests.waiting import PATIENCE_S

NAMES = ("chromium", "chromium-browser", "google-chrome")


# while Playwright is open this thread has a running event loop, in which no other test could run one
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium; on Debian `apt-get install chromium` to try the review page")
    with sync_playwright() as playwright:
        # as root in a container Chromium has no sandbox of its own
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # noqa: ARG001 - skips first
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def survey(site: Site, survey_id: str) -> str:
    """A survey that nobody answered about."""
    site.add_survey(survey_id)
    return survey_id


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab in a browser of its own; fails if the page reported an error."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE_S * 1000)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert not errors


@pytest.fixture(scope="module")
def front() -> Path:
    """The sources of the page with their packages."""
    return with_packages()
