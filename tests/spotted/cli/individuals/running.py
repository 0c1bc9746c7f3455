"""Commands about individuals that succeed."""

from __future__ import annotations

from tests.spotted.cli.conftest import Machine


def run(machine: Machine, command: str, survey_id: str, *arguments: str) -> str:
    done = machine.run("individuals", command, survey_id, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout
