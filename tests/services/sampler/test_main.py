from __future__ import annotations

import subprocess
import sys

import services.sampler.__main__ as program


def test_a_start_imports_no_module_that_takes_a_second_and_few_calls_need() -> None:
    check = (
        f"import sys, {program.__name__}; sys.exit(not {{'scipy.stats', 'sklearn'}}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
