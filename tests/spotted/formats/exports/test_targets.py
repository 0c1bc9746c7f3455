from __future__ import annotations

from pathlib import Path

import pytest

from spotted.formats.exports.targets import TARGETS
from tests.spotted.formats.exports.surveys import made


@pytest.mark.parametrize("target", TARGETS)
def test_every_program_gets_files_that_are_the_same_each_time(target: str, tmp_path: Path) -> None:
    material = made(tmp_path)
    files = TARGETS[target](material)
    assert files.contents
    texts = {name: content for name, content in files.contents.items() if not name.endswith(".xlsx")}
    again = TARGETS[target](material)
    assert {name: again.contents[name] for name in texts} == texts
