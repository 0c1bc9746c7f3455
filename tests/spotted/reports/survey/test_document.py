from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from PIL import Image

from spotted.reports.survey.document import describe, render
from tests.spotted.reports.survey.ridge import STATE, ridge

MADE_S = 1_690_000_000.0


def read(uri: str) -> bytes:
    """A photograph of each detection but one."""
    if uri == "/s2.jpg":
        raise FileNotFoundError(uri)
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(content, "JPEG")
    return content.getvalue()


class Reader(HTMLParser):
    """The elements of a page, and whether each that opens is closed."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_finding_stands_before_everything_else() -> None:
    page = render(describe(ridge(), read, made_s=MADE_S))
    order = [
        "Between 2 and 3 individuals",
        "What next",
        "Individuals seen more than once",
        "Seen once: 1 individual",
        "Contradictions: none",
        "Photographs by camera and week",
        "How this was made",
    ]
    assert [page.index(text) for text in order] == sorted(page.index(text) for text in order)
    assert "those of Africa/Harare" in page


def test_the_page_needs_no_network_and_tells_no_coordinate() -> None:
    page = render(describe(ridge(), read, made_s=MADE_S))
    assert not re.search(r"https?:|url\((?!#)|<script|<link", page)
    assert not re.search(r"35[03][ ,.]?000|987[04][ ,.]?000", page)
    # a name is text and never markup
    assert "Ridge &lt;2023&gt;" in page
    assert "<2023>" not in page


def test_images_drawings_and_tables_can_be_heard() -> None:
    read_page = Reader(render(describe(ridge(), read, made_s=MADE_S)))
    images = read_page.all("img")
    assert [one["alt"] for one in images] == [
        "Sita: left flank, camera A1, 6 Jun 2023, 12:00",
        "Mvula: left flank, camera A1, 8 Jun 2023, 06:00",
    ]
    drawings = [one for one in read_page.all("svg") if one.get("role") == "img"]
    assert len(drawings) == 4
    assert all((one["aria-label"] or "").startswith(("Map of", "Time line of")) for one in drawings)
    headers = read_page.all("th")
    assert headers
    assert all(one.get("scope") in {"row", "col"} for one in headers)
    links = {str(one["href"]) for one in read_page.all("a")}
    assert links == {f"#{one['id']}" for one in read_page.all("article")}
    marks = {f"#{one['id']}" for one in read_page.all("g")}
    assert {str(one["href"]) for one in read_page.all("use")} <= marks


def test_a_photograph_that_cannot_be_read_is_counted_and_named() -> None:
    report = describe(ridge(), read, made_s=MADE_S)
    assert report.unreadable == 1
    page = render(report)
    assert "1 photograph cannot be read on this machine and is left out" in page
    assert "right flank, camera A2, 7 Jun 2023, 12:00" in page


def test_without_a_session_the_cameras_and_the_next_step_are_shown() -> None:
    page = render(describe(replace(ridge(None), zone_name=""), read, made_s=MADE_S))
    Reader(page)
    assert "nobody has compared them yet" in page
    assert "spotted review ridge" in page
    assert "Photographs by camera and week" in page
    assert "Seen once" not in page
    assert "UTC, since the survey has no time zone" in page


def test_contradictions_are_listed() -> None:
    report = describe(ridge(replace(STATE, conflicts=["s1 & m1"])), read, made_s=MADE_S)
    page = render(report)
    assert "Contradictions: 1" in page
    assert "s1 &amp; m1" in page
    assert report.document()["conflicts"] == ["s1 & m1"]


def test_the_same_numbers_are_json() -> None:
    document = json.loads(json.dumps(describe(ridge(), read, made_s=MADE_S).document()))
    assert [one["name"] for one in document["individuals"]] == ["Sita", "Mvula", "ind-x1"]
    assert document["individuals"][0] == {
        "name": "Sita",
        "detections": ["s1", "s2", "s3"],
        "first_seen": "2023-06-06",
        "last_seen": "2023-06-25",
        "cameras": ["A1", "A2"],
        "sides": ["left", "right"],
    }
    assert document["weeks"]["begin"][0] == "2023-06-05"
    assert document["weeks"]["cameras"]["A3"] == [1, 0, None, None, None]
    assert document["silent"][0] == {
        "camera_id": "A4",
        "first": "2023-06-05",
        "last": "2023-07-03",
        "days": 29,
    }
