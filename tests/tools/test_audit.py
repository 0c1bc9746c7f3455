from __future__ import annotations

from typing import Any

import pytest

from tools.audit import KNOWN, NONE_KNOWN, NOT_ASKED, judged

SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
VULNERABLE = {
    "name": "pillow",
    "version": "9.0.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.0.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "torch", "skip_reason": "not found"}


def answer(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": [*packages]}


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ([answer(SOUND)], NONE_KNOWN, "no known vulnerability"),
        ([answer(SOUND), answer(VULNERABLE)], KNOWN, "pillow 9.0.0: PYSEC-1, fixed in 9.0.1"),
        ([answer(UNKNOWN, VULNERABLE)], KNOWN, "pillow 9.0.0: PYSEC-2, fixed in no version"),
        ([answer(UNKNOWN, SOUND)], NOT_ASKED, "1 packages were NOT looked up"),
        ([answer(SOUND), "no route to host"], NOT_ASKED, "could not be asked (no route to host)"),
    ],
)
def test_every_reported_error_has_a_status_and_a_message(
    answers: list[dict[str, Any] | str], status: int, words: str
) -> None:
    found, said = judged({str(n): answer for n, answer in enumerate(answers)})
    assert found == status
    assert words in said
