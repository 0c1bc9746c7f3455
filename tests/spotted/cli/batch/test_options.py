from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from spotted.cli.batch.options import PLACE, block_option, engine_options, fusion_option, shown
from spotted.scoring.fusion import Fusion


@click.command()
@click.argument("place", type=PLACE)
@engine_options
@fusion_option
@block_option
def shown_options(**options: object) -> None:
    """Print all options."""
    click.echo("\n".join(f"{name}={value}" for name, value in sorted(options.items())))


def test_places_are_urls_or_absolute_paths_and_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert f"place={tmp_path}/surveys\n" in run(shown_options, ["surveys"]).output
    assert "place=s3://bucket/prefix\n" in run(shown_options, ["s3://bucket/prefix/"]).output
    (tmp_path / "table.csv").write_text("")
    refused = run(shown_options, ["table.csv"])
    assert refused.exit_code == 2
    assert "table.csv is a file; give a folder or a URL such as s3://BUCKET/PREFIX" in refused.output


def test_all_scores_and_engines_can_be_chosen() -> None:
    arguments = ["s3://a", "--fusion", "calibrated", "--engine", "ray", "--address", "auto", "--workers", "3"]
    found = CliRunner().invoke(shown_options, arguments).output.splitlines()
    assert {f"fusion={Fusion.CALIBRATED}", "kind=ray", "address=auto", "workers=3", "block_rows=1024"} <= set(
        found
    )


def test_a_bar_keeps_stdout_for_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("blocks", 2) as advance:
        print("noise")  # noqa: T201 - as Ray does
        advance(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "noise" in captured.err
