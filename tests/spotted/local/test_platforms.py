from __future__ import annotations

import pytest

from spotted.errors import PreconditionError
from spotted.local.platforms import check_platform


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_have_a_build_of_the_store(platform: str) -> None:
    check_platform(platform)


def test_windows_is_refused_with_both_ways_out() -> None:
    with pytest.raises(PreconditionError, match=r"wsl --install.* or use services on another machine"):
        check_platform("win32")
