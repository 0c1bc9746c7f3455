"""The `spotted` command.

import_, embed, match            files to a survey, photographs to vectors, best candidates
evaluate, calibrate, tune        how good the scores are, and how to improve them
heads, backbones                 adaptation heads and backbones
annotate, question_text, session  questions, how they are shown, and sessions as files
export                           individuals back into files
batch                            candidates of surveys too large for one machine
machine, operate                 this machine's services, and what operators run
connection, sources              which services to talk to, and where a survey came from
"""

from __future__ import annotations

from pathlib import Path

import click

from spotted import __version__
from spotted.cli import (
    annotate,
    backbones,
    batch,
    calibrate,
    embed,
    evaluate,
    export,
    heads,
    import_,
    machine,
    match,
    operate,
    session,
    tune,
)
from spotted.cli.connection import connection_options, read_credentials, remote
from spotted.console import EXIT_CODE_HELP, SpottedGroup


@click.group(
    cls=SpottedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODE_HELP,
)
@click.version_option(__version__)
@connection_options
@click.pass_context
def main(
    ctx: click.Context,
    *,
    embedder: str | None,
    scorer: str | None,
    sampler: str | None,
    token_file: Path | None,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
) -> None:
    """Find out which camera-trap photographs show the same animal.

    A survey goes through these steps; each may be repeated and resumes where it was stopped:

    \b
      spotted up                       start the store and the three services on this machine
      spotted import DIR               read cameras and detections from a Camtrap DP directory
      spotted embed SURVEY             turn the photographs into vectors
      spotted match SURVEY             list, for every detection, its best candidates
      spotted annotate SURVEY          answer "the same animal?" until the individuals are known
      spotted evaluate SURVEY          measure top-k where identities are known
      spotted export SURVEY -o OUT     write the observations back with individualID
      spotted down                     stop what `up` started

    The options below, which stand before the command, are for services that others run.
    """  # noqa: D301 - \b tells click to leave the paragraph as it is
    ctx.obj = remote(embedder, scorer, sampler, lambda: read_credentials(token_file, ca, cert, key))


for command in (
    machine.up,
    machine.down,
    machine.status,
    import_.import_survey,
    embed.embed,
    match.match,
    annotate.annotate,
    evaluate.evaluate,
    export.export,
    session.session,
    backbones.export_backbone,
    batch.batch,
    calibrate.calibrate,
    heads.train_head,
    heads.activate_head,
    tune.tune_feasibility,
    operate.backup,
    operate.restore,
    operate.upgrade,
    operate.token,
    operate.certificate,
):
    main.add_command(command)
