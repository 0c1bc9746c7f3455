"""Two surveys, one of them with a session, and a command line."""

from __future__ import annotations

import pytest

from tests.services.scorer.catalogue.organisation import plant
from tests.spotted.cli.conftest import Machine


@pytest.fixture
def planted(machine: Machine) -> Machine:
    """A machine with the surveys 2024 and 2025, and a session of 2025."""
    for survey_id in ("2024", "2025"):
        plant(machine.spotted, survey_id)
    machine.spotted.survey("2025").create_session("main", strategy="greedy").next_pairs("anna")
    return machine


def run(machine: Machine, *arguments: str, code: int = 0) -> str:
    """The output of a command about the catalogue; its errors if it should fail."""
    done = machine.run("catalogue", *arguments)
    assert done.exit_code == code, done.stderr
    return str(done.stderr if code else done.stdout)
