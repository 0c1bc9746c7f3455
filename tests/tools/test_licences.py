from __future__ import annotations

import pytest

from tools import licences
from tools.licences import CUDA, licence, locks, main, pinned, refused, takes


def test_everything_that_is_pinned_has_a_licence_that_we_take() -> None:
    assert list(refused()) == []


def test_every_lock_file_is_read_whole() -> None:
    assert {"cpu", "gpu", "dev", "scorer", "sampler", "embedder-cpu"} <= set(locks())
    for lock in locks():
        lines = (licences.REQUIREMENTS / f"{lock}.lock").read_text().splitlines()
        assert (
            len(pinned(lock)) == sum("==" in line and not line.startswith((" ", "#")) for line in lines) > 0
        )


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "Apache-2.0 OR GPL-3.0-only",
        "MIT AND (BSD-3-Clause AND 0BSD)",
        "Apache-2.0 WITH LLVM-exception",
    ],
)
def test_an_allowed_way_suffices(expression: str) -> None:
    assert takes(expression)


@pytest.mark.parametrize(
    "expression", ["", "GPL-3.0-only", "MIT AND AGPL-3.0-only", "SSPL-1.0 OR GPL-2.0-only", CUDA]
)
def test_a_licence_that_asks_for_more_is_not_taken(expression: str) -> None:
    assert not takes(expression)


def test_cuda_is_taken_in_the_image_for_gpus_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert licence("nvidia-cublas") == CUDA
    monkeypatch.setattr(licences, "CUDA_LOCKS", frozenset())
    assert {lock for lock, _, _ in refused()} == {"embedder-gpu"}


def test_one_that_states_nothing_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert licence("no-such-package") == ""
    monkeypatch.setattr(licences, "pinned", lambda _: {"no-such-package": "1.0"})
    with pytest.raises(SystemExit, match="no-such-package: states none"):
        main()
