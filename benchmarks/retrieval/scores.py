"""Retrieval accuracy of each score on every survey whose individuals are known, in one table.

    python -m benchmarks.retrieval --data ../shared/data

Composites, published sets, catalogues and Camtrap DP directories of the data, and generated surveys in the
shapes of the published ones. Every detection with another one of its animal asks, one against all. Intervals
are of 95 %, by resampling the animals of a survey; gains are drawn together, so theirs are of the difference.
For a published set that is available, the figures of its paper are shown too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.common import known_surveys, report
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.common.options import data_option, generator_option, models_option
from benchmarks.common.report import Bar
from benchmarks.heads.recipes import journeys
from benchmarks.retrieval.table import METRICS, TOP, Estimate, Gain, Line, Results, markdown
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import Float64Array
from spotted.counting import same_pairs
from spotted.evaluation.bootstrap import CONFIDENCE, REPEATS
from spotted.evaluation.outcomes import find_relevant_pairs, measure_queries
from spotted.evaluation.paper_figures import find_paper_figures
from spotted.evaluation.ranks import rank_pairs
from spotted.heads.head import HeadRecipe
from spotted.heads.training import train_head
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import single_precision

# development of anything that is measured here uses seeds 0 to 9
SEEDS = (20, 21, 22, 23, 24)
QUICK_SHARE = 0.25
PLAIN = {"visual": Fusion.VISUAL, "location": Fusion.LOCATION, "fused": Fusion.PRODUCT}
ADAPTED = {"adapted": Fusion.VISUAL, "adapted fused": Fusion.PRODUCT}
GAINS = (("fused", "visual"), ("fused", "location"), ("adapted", "visual"), ("adapted fused", "fused"))
MOST_LOSS = 0.01
# a survey and a seed to its gallery with adapted embeddings
Train = Callable[[KnownSurvey, int], Gallery]


@dataclass(frozen=True, slots=True)
class Subject:
    """A survey to measure. make: the survey of a seed; varies: whether seeds differ in more than training."""

    name: str
    kind: str
    make: Callable[[int], KnownSurvey]
    varies: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """One score on one survey, animal by animal.

    queries: (a,) of each animal; sums: (a, metrics), each metric times the queries; draw: seed of its draws.
    """

    queries: Float64Array
    sums: Float64Array
    draw: int

    def figures(self) -> Float64Array:
        """Each metric, (metrics,)."""
        return np.asarray(self.sums.sum(axis=0) / self.queries.sum())

    def drawn(self) -> Float64Array:
        """Each metric in every draw of as many animals, (REPEATS, metrics)."""
        count = len(self.queries)
        times = np.random.default_rng(self.draw).multinomial(count, np.full(count, 1.0 / count), size=REPEATS)
        return np.asarray((times @ self.sums) / (times @ self.queries)[:, None])


@click.command()
@data_option
@generator_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@click.option("--timezone", default="", help="IANA time zone of times without offset. Default: UTC.")
@click.option(
    "--adapted",
    is_flag=True,
    help="Also measure a head trained on the places and times; takes minutes longer.",
)
@click.option("--quick", is_flag=True, help="Run only small generated surveys, as a smoke test.")
def main(
    *, data: Path, generator: Path, models: Path, model: str, timezone: str, adapted: bool, quick: bool
) -> None:
    """Measure retrieval on every survey whose individuals are known, and write one table."""
    found = generated(generator, share=QUICK_SHARE if quick else 1.0)
    if not quick:
        found = [*from_files(data, models, model, timezone), *found]
    if not found:
        raise click.ClickException(
            f"no survey in {data}, no generator at {generator}; pass --data, --generator"
        )
    results = measure(found, SEEDS[:2] if quick else SEEDS, through_head if adapted else None)
    name = "retrieval-quick" if quick else "retrieval"
    bars = bars_of(results)
    written = report.write(name, {"backbone": model, **asdict(results)}, bars)
    written.with_suffix(".md").write_text(markdown(results, model))
    click.echo(markdown(results, model))
    print(f"written: {written}")
    missed = report.judge(bars)
    # bars do not apply to small surveys
    raise SystemExit(0 if quick else missed)


def through_head(survey: KnownSurvey, seed: int) -> Gallery:
    """A survey through a head learned from its places and times by the default recipe."""
    base = single_precision(survey.gallery.embeddings)
    head = train_head(base, partial(journeys, survey.gallery), HeadRecipe(seed=seed))
    return replace(survey.gallery, embeddings=head.apply(base))


def from_files(data: Path, models: Path, model: str, timezone: str) -> Iterator[Subject]:
    """The surveys of files, embedded; those in which no animal is known from two detections are left out."""
    on_disk = list(known_surveys.on_disk(data, timezone=timezone or None)) if data.is_dir() else []
    backbone = load_backbone(models, model) if on_disk else None
    for imported, kind in on_disk:
        if backbone and same_pairs([d.individual_id for d in imported.detections]):
            survey = known_surveys.embedded(imported, kind, backbone)
            # photographs may be left out, and two animals of one image do not ask for each other
            if len(
                find_relevant_pairs(
                    named(survey), [""] * len(survey.gallery), survey.gallery.table.image
                ).query
            ):
                yield one_survey(survey)


def one_survey(survey: KnownSurvey) -> Subject:
    """A survey that is the same for all seeds."""
    return Subject(survey.name, survey.kind, lambda _: survey, varies=False, notes=survey.notes)


def generated(generator: Path, *, share: float) -> list[Subject]:
    """The generated shapes; none without the generator."""
    notes = ("synthetic: no real animal is involved",)
    return [
        Subject(shape, "generated", partial(_made, generator, shape, share), varies=True, notes=notes)
        for shape in (known_surveys.SHAPES if generator.is_file() else ())
    ]


def measure(subjects: Sequence[Subject], seeds: Sequence[int], train: Train | None = None) -> Results:
    """All scores on all surveys; the adapted ones if a training is given and locations are known."""
    results = Results()
    for subject in subjects:
        tallies: dict[str, list[Tally]] = {}
        for seed in seeds if subject.varies or train else seeds[:1]:
            survey = subject.make(seed)
            for score, tally in _tallies(survey, seed, train, subject, known=tallies):
                tallies.setdefault(score, []).append(tally)
        results.lines += [_line(subject, score, many) for score, many in tallies.items()]
        results.gains += [
            Gain(subject.name, score, over, _estimates(tallies[score], tallies[over]))
            for score, over in GAINS
            if score in tallies and over in tallies
        ]
        unplaced = () if "fused" in tallies else ("no places with times: only visual similarity is measured",)
        results.notes[subject.name] = (*subject.notes, *unplaced)
    return results


def by_animal(
    gallery: Gallery, individuals: Sequence[str], scores: Mapping[str, Fusion], draw: int
) -> dict[str, Tally]:
    """The tallies of scores, ranked in one pass. individuals: individual of each row, "" if unknown."""
    pairs = find_relevant_pairs(individuals, [""] * len(individuals), gallery.table.image)
    ranked = rank_pairs(gallery, (pairs.query, pairs.candidate), list(scores.values()))
    nothing = np.zeros(len(pairs.query), dtype=np.bool_)
    tallies = {}
    for score, fusion in scores.items():
        outcome = measure_queries(ranked[fusion], pairs.same, nothing, depth=max(TOP))
        animal = np.unique([individuals[row] for row in outcome.query.tolist()], return_inverse=True)[1]
        sums = [np.bincount(animal, column) for column in outcome.at(TOP).T]
        tallies[score] = Tally(np.bincount(animal).astype(np.float64), np.stack(sums, axis=1), draw)
    return tallies


def bars_of(results: Results) -> list[Bar]:
    """Fused against its parts on top-5 everywhere; adapted fused against fused, on average and at worst."""
    bars = [
        Bar(f"{gain.survey}: top-5 of {gain.score} minus {gain.over}", gain.metrics["top-5"][0], least=0.0)
        for gain in results.gains
        if gain.score == "fused"
    ]
    adapted = [gain for gain in results.gains if gain.score == "adapted fused"]
    for metric in ("top-1", "top-5") if adapted else ():
        values = [gain.metrics[metric][0] for gain in adapted]
        bars.append(Bar(f"mean {metric} gain of adapted fused", float(np.mean(values)), least=0.0))
        bars.append(Bar(f"worst {metric} gain of adapted fused", min(values), least=-MOST_LOSS))
    return bars


def named(survey: KnownSurvey) -> list[str]:
    """The individual of each row as a word, "" if unknown."""
    return [str(i) if i >= 0 else "" for i in survey.individuals.tolist()]


def _made(generator: Path, shape: str, share: float, seed: int) -> KnownSurvey:
    return known_surveys.generated(generator, shape, seed, share=share)


def _tallies(
    survey: KnownSurvey, seed: int, train: Train | None, subject: Subject, known: Mapping[str, list[Tally]]
) -> Iterator[tuple[str, Tally]]:
    individuals = named(survey)
    # a survey of files has the same animals for each seed, so their draws are the same too
    draw = seed if subject.varies else 0
    places = _has_places(survey.gallery)
    if subject.varies or not known:
        plain = PLAIN if places else {"visual": Fusion.VISUAL}
        yield from by_animal(survey.gallery, individuals, plain, draw).items()
    if train and places:
        yield from by_animal(train(survey, seed), individuals, ADAPTED, draw).items()


def _has_places(gallery: Gallery) -> bool:
    known = np.isfinite(gallery.table.position_m).all(axis=1) & np.isfinite(gallery.table.time_s)
    return bool(known.sum() > 1)


def _line(subject: Subject, score: str, tallies: Sequence[Tally]) -> Line:
    return Line(
        survey=subject.name,
        kind=subject.kind,
        score=score,
        seeds=len(tallies),
        queries=float(np.mean([tally.queries.sum() for tally in tallies])),
        animals=float(np.mean([len(tally.queries) for tally in tallies])),
        metrics=_estimates(tallies),
        paper=_paper(subject, score),
    )


def _paper(subject: Subject, score: str) -> str:
    """The paper's result of a score on a published set."""
    marks = find_paper_figures([subject.name]) if subject.kind == "published" else None
    if marks is None:
        return ""
    said = {
        "location": f"top-1 {marks.location_top1:.2f}, top-20 {marks.location_top20:.2f}",
        "fused": f"top-5 {marks.top5_gain:+.2f} over the best baseline",
    }
    return said.get(score, "")


def _estimates(tallies: Sequence[Tally], over: Sequence[Tally] = ()) -> dict[str, Estimate]:
    """Value and interval of each metric, of the difference if there is another score."""
    values = np.mean([tally.figures() for tally in tallies], axis=0)
    drawn = np.mean([tally.drawn() for tally in tallies], axis=0)
    if over:
        values = values - np.mean([tally.figures() for tally in over], axis=0)
        drawn = drawn - np.mean([tally.drawn() for tally in over], axis=0)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return {m: (float(values[i]), float(low[i]), float(high[i])) for i, m in enumerate(METRICS)}
