"""`spotted batch match`: the candidates of every survey of a directory, without any service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import click

from spotted.batch.blocks import BLOCKS, Job, compute_block, job_of, unfinished
from spotted.batch.engines import engine
from spotted.batch.evidence import EVIDENCE, EvidenceJob, evidence_digest, stored_evidence
from spotted.batch.features import features_digest
from spotted.batch.listing import LISTING
from spotted.batch.marks import (
    MARKS,
    MarkJob,
    marked_by_default,
    match_block,
    plan_marks,
    read_plan,
    unmatched,
)
from spotted.batch.places import Place, below, open_place
from spotted.batch.settling import list_candidates, listed_count, settle_evidence
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, manifest_digest, open_snapshot
from spotted.batch.surveys import Piece, SurveyBatch
from spotted.cli.batch.options import PLACE, block_option, engine_options, fusion_option, shown
from spotted.console import json_option, option_word, show, top_option, with_unit
from spotted.errors import InvalidInputError, PreconditionError
from spotted.scoring.fusion import Fusion


@click.command()
@click.argument("results", metavar="DIR", type=PLACE)
@top_option
@fusion_option
@click.option(
    "--marks",
    "mark_candidates",
    type=click.IntRange(0, 1000),
    show_default="50, more with under 3,200 detections",
    help="Candidates of each detection whose marks are matched, in surveys with local features; 0: none.",
)
@engine_options
@block_option
@click.option("--fresh", is_flag=True, help="Start over: delete matched marks and candidates, not vectors.")
@json_option
def match(
    *,
    results: str,
    top: int,
    fusion: Fusion,
    mark_candidates: int | None,
    kind: str,
    workers: int,
    address: str,
    block_rows: int,
    fresh: bool,
    as_json: bool,
) -> None:
    """List the best candidates of every survey in a directory, without any service.

    DIR is a folder or s3://BUCKET/PREFIX whose folders were made by `spotted batch embed`, or each by
    `spotted batch candidates`. Marks of the coat are matched first, if there are local features, and a
    calibration is fitted to the known individuals of the files. Each survey gets a candidates.csv with the
    columns of `spotted match -o`. You can stop and rerun the command at any time. A survey that fails is
    named with the reason, and the others are finished.
    """
    names = open_place(results).folders()
    if not names:
        raise InvalidInputError(f"{results} has no folders; make them with `spotted batch embed`")
    run = _Run(results, top, fusion, mark_candidates, block_rows)
    batch = SurveyBatch(names, engine(kind, workers=workers, address=address), shown)
    batch.each(partial(_begin, results, fresh))
    batch.stage("matchings planned", run.planning)
    matched = batch.stage("blocks of marks", run.matching)
    batch.stage("surveys calibrated" if fusion is Fusion.CALIBRATED else "surveys settled", run.settling)
    ranked = batch.stage("blocks of candidates", run.ranking)
    batch.stage("lists written", run.listing)
    surveys: list[dict[str, object]] = []
    batch.each(lambda name: surveys.append(run.summary(name)))
    document: dict[str, object] = {
        "output": results,
        "blocks_of_marks": matched,
        "blocks_of_candidates": ranked,
        "surveys": surveys,
        "failed": batch.failures,
    }
    if surveys:
        show(document, as_json=as_json, text=lambda: _print(surveys))
    batch.raise_failures()


def _begin(results: str, fresh: bool, name: str) -> None:  # noqa: FBT001 - of a partial
    place = open_place(below(results, name))
    if not place.exists(f"{SNAPSHOT}/{MANIFEST}"):
        raise PreconditionError("it has no snapshot; run `spotted batch embed` again")
    if fresh:
        for each in (MARKS, BLOCKS, EVIDENCE):
            place.remove(each)
    for folder in (MARKS, BLOCKS):
        place.sweep(folder)


@dataclass(frozen=True, slots=True)
class _Run:
    """The work on each survey."""

    results: str
    top: int
    fusion: Fusion
    mark_candidates: int | None
    block_rows: int

    def place(self, name: str) -> Place:
        return open_place(below(self.results, name))

    def marks(self, name: str) -> MarkJob | None:
        """The matching of a survey's marks; None without local features."""
        place = self.place(name)
        features = "" if self.mark_candidates == 0 else features_digest(place)
        if not features:
            return None
        wanted = self.mark_candidates or marked_by_default(place)
        return MarkJob(place.url, manifest_digest(place), features, wanted)

    def evidence(self, name: str) -> EvidenceJob:
        place, marks = self.place(name), self.marks(name)
        calibrated = self.fusion is Fusion.CALIBRATED
        return EvidenceJob(place.url, manifest_digest(place), marks.digest if marks else "", calibrated)

    def job(self, name: str) -> Job:
        place, evidence = self.place(name), stored_evidence(self.evidence(name))
        if evidence is None:
            raise PreconditionError(f"{place.url} lost its evidence; run the command again")
        return job_of(
            place.url,
            open_snapshot(place.local(SNAPSHOT)),
            top_k=self.top,
            fusion=evidence.usable(self.fusion),
            block_rows=self.block_rows,
            evidence_digest=evidence_digest(place),
        )

    def planning(self, name: str) -> Iterator[Piece]:
        job = self.marks(name)
        if job and read_plan(job) is None:
            yield Piece(name, "planning", partial(plan_marks, job))

    def matching(self, name: str) -> Iterator[Piece]:
        job = self.marks(name)
        if job:
            for number in unmatched(job):
                yield Piece(name, f"block {number} of marks", partial(match_block, job, number))

    def settling(self, name: str) -> Iterator[Piece]:
        job = self.evidence(name)
        if stored_evidence(job) is None:
            yield Piece(name, "evidence", partial(settle_evidence, job, self.marks(name)))

    def ranking(self, name: str) -> Iterator[Piece]:
        job = self.job(name)
        for number in unfinished(job):
            yield Piece(name, f"block {number} of candidates", partial(compute_block, job, number))

    def listing(self, name: str) -> Iterator[Piece]:
        job = self.job(name)
        if listed_count(job) is None:
            yield Piece(name, "list", partial(list_candidates, job))

    def summary(self, name: str) -> dict[str, object]:
        job, evidence = self.job(name), stored_evidence(self.evidence(name))
        return {
            "survey_id": name,
            "detections": job.detections,
            "matched_pairs": len(evidence.local) if evidence and evidence.local else 0,
            "fusion": option_word(job.fusion),
            "candidates": listed_count(job) or 0,
            "output": f"{job.url}/{LISTING}",
        }


def _print(surveys: list[dict[str, object]]) -> None:
    for one in surveys:
        click.echo(
            f"{one['survey_id']}: {with_unit(int(str(one['candidates'])), 'candidate')} of "
            f"{with_unit(int(str(one['detections'])), 'detection')} by {one['fusion']}, "
            f"{with_unit(int(str(one['matched_pairs'])), 'pair')} of matched marks: {one['output']}"
        )
