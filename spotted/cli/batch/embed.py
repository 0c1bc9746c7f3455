"""`spotted batch embed`: the photographs of a directory of surveys, without any service."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spotted.batch.embedding import EMBEDDED, EmbedJob, assemble, assembled_counts, is_assembled, unembedded
from spotted.batch.engines import engine
from spotted.batch.places import below, open_place
from spotted.batch.survey_files import ReadJob, read_back, read_survey, stored_survey
from spotted.batch.surveys import Piece, SurveyBatch
from spotted.cli.batch.options import PLACE, engine_options, shown
from spotted.console import json_option, next_step, show, with_unit
from spotted.errors import InvalidInputError
from spotted.local.models import models_directory

if TYPE_CHECKING:
    from spotted.client.values import EmbeddingSpec, LocalFeatureSpec

# imported by name: no module of the library imports services
MODULE = "services.embedder.offline"
DEFAULT_MODEL = "efficientnet-lite0"


@click.command()
@click.argument("surveys", type=PLACE)
@click.option(
    "--output",
    "-o",
    "results",
    required=True,
    type=PLACE,
    metavar="DIR",
    help="Folder or s3://BUCKET/PREFIX, with a folder for each survey; an existing one is continued.",
)
@click.option("--model", "model_id", default=DEFAULT_MODEL, show_default=True, help="Backbone id.")
@click.option(
    "--models",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of exported backbones, the same on every machine; default: that of `spotted up`.",
)
@click.option(
    "--local",
    "local_method",
    default="",
    metavar="METHOD",
    help="Also extract local features, to match marks of the coat, e.g. hotspotter.",
)
@click.option("--species", default="", help="Species to read, if the files contain several.")
@click.option("--timezone", default="", help="IANA time zone of times without offset, e.g. Africa/Harare.")
@engine_options
@click.option("--fresh", is_flag=True, help="Start over: delete what is in -o of these surveys.")
@json_option
def embed(
    *,
    surveys: str,
    results: str,
    model_id: str,
    models: Path | None,
    local_method: str,
    species: str,
    timezone: str,
    kind: str,
    workers: int,
    address: str,
    fresh: bool,
    as_json: bool,
) -> None:
    """Embed the photographs of every survey in a directory, without any service.

    Each folder of SURVEYS, a folder or s3://BUCKET/PREFIX, is a survey in a layout that `spotted import`
    recognises. You can stop and rerun the command at any time: finished blocks are kept. A survey that fails
    is named with the reason, and the others are finished. `spotted batch match` continues from here.
    """
    names = open_place(surveys).folders()
    if not names:
        raise InvalidInputError(f"{surveys} has no folders; give the directory that contains the surveys")
    if results == surveys or results.startswith(f"{surveys}/"):
        raise InvalidInputError(f"{results} is inside {surveys}; give an -o outside of it")
    offline: Any = importlib.import_module(MODULE)
    directory = (models or models_directory()).resolve()
    embedder = offline.load_offline(directory, model_id, local_method)
    run = _Run(surveys, results, species, timezone, str(directory), model_id, embedder.spec, embedder.local)
    batch = SurveyBatch(names, engine(kind, workers=workers, address=address), shown)
    batch.each(partial(_begin, results, fresh))
    batch.stage("surveys read", run.reading)
    blocks = batch.stage("blocks embedded", partial(run.embedding, offline.embed_block))
    batch.stage("surveys put together", run.assembling)
    counts = {name: assembled_counts(run.job(name)) for name in batch.going_on}
    document: dict[str, object] = {
        "output": results,
        "blocks": blocks,
        "surveys": [
            {"survey_id": name, "embedded": embedded, "failed": failed}
            for name, (embedded, failed) in counts.items()
        ],
        "failed": batch.failures,
    }
    if counts:
        show(document, as_json=as_json, text=lambda: _print(results, counts))
    batch.raise_failures()


def _begin(results: str, fresh: bool, name: str) -> None:  # noqa: FBT001 - of a partial
    place = open_place(below(results, name))
    if fresh:
        place.remove("")
    place.sweep(EMBEDDED)


@dataclass(frozen=True, slots=True)
class _Run:
    """The work on each survey."""

    surveys: str
    results: str
    species: str
    timezone: str
    models: str
    model_id: str
    spec: EmbeddingSpec
    local: LocalFeatureSpec | None

    def read(self, name: str) -> ReadJob:
        place, source = below(self.results, name), below(self.surveys, name)
        return ReadJob(place, source, name, self.species, self.timezone)

    def job(self, name: str) -> EmbedJob:
        # that its files are unchanged was checked before anything was embedded
        read = self.read(name)
        filed = read_back(read)
        return EmbedJob(
            read.url,
            read.source,
            filed.digest,
            len(filed.pictures),
            self.spec,
            self.local,
            self.models,
            self.model_id,
        )

    def reading(self, name: str) -> Iterator[Piece]:
        if stored_survey(self.read(name)) is None:
            yield Piece(name, "reading", partial(read_survey, self.read(name)))

    def embedding(self, task: Any, name: str) -> Iterator[Piece]:  # noqa: ANN401 - of services
        job = self.job(name)
        if not is_assembled(job):
            for number in unembedded(job):
                yield Piece(name, f"block {number}", partial(task, job, self.read(name), number))

    def assembling(self, name: str) -> Iterator[Piece]:
        job = self.job(name)
        if not is_assembled(job):
            yield Piece(name, "putting together", partial(assemble, job, self.read(name)))


def _print(results: str, counts: dict[str, tuple[int, int]]) -> None:
    for name, (embedded, failed) in counts.items():
        lacking = f", {failed} failed: see {results}/{name}/failed.json" if failed else ""
        click.echo(f"{name}: {with_unit(embedded, 'detection')} embedded{lacking}")
    next_step(f"spotted batch match {results}")
