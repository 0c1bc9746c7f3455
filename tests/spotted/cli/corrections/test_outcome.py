from __future__ import annotations

from pathlib import Path

from spotted.cli.corrections.outcome import ImportOptions, carry_out
from spotted.formats.sources import Source, recall
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine


def test_files_are_carried_out_once_and_recorded(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    write_package(tmp_path / "package")
    source = Source(package=str(tmp_path / "package"), layout="camtrap-dp")
    imported = source.read(survey_id)
    options = ImportOptions(machine.directory, dry_run=False, delete_removed=False, as_json=True)
    first = carry_out(machine.spotted, source, imported, options)
    assert (first.changes, first.document()["changes"]) == (None, None)
    assert recall(machine.directory, survey_id) == source
    again = carry_out(machine.spotted, source, imported, options)
    assert again.changes is not None
    assert not again.changes
    # they are still to be embedded
    assert len(again.changes.detections.added) == len(imported.pictures)
