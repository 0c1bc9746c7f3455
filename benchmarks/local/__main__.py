"""Local evidence on photographs of known animals, beside and joined with the default backbone.

    python -m benchmarks.local --data ../shared/data
    python -m benchmarks.local --method hotspotter --method aliked-lightglue --candidates 20

Joined scores are learned from the answers of half of the animals, and measured on queries of the others, in
six splits. Features and scores are kept in --cache, where a stopped run continues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.common import report
from benchmarks.common.options import cache_option, data_option, models_option, share_option
from benchmarks.common.report import Bar
from benchmarks.local.cost import Cost, measure_cost
from benchmarks.local.flanks import Flanks, local_scores, read_flanks, shortlists, visual_scores
from benchmarks.local.matching import behind, halves, isotonic_mean, logistic, measure, relevant
from benchmarks.local.methods import open_method
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import Float64Array, IntArray

FOLDER, SIDE = "nyala", "left"
LEAST_RANK_1, LEAST_RANK_5 = 2.0, 1.6
MOST_EXTRACTION_S, MOST_SHORTLIST_S, CORES = 0.15, 240.0, 2
QUICK_SHARE = 0.1
DRAWS = 1000
# chosen before it was measured
JUDGED = "isotonic mean"
JOINED = {JUDGED: isotonic_mean, "logistic": logistic}


@click.command()
@data_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=("hotspotter",),
    show_default=True,
    help="Local method; may be repeated. The bars of cost are for the first.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=1),
    help="Best candidates by the backbone that networks match each photograph with. Default: all.",
)
@cache_option
@share_option
@click.option("--drawn", type=click.IntRange(min=10), help="Number of animals drawn at random, instead.")
@click.option("--quick", is_flag=True, help="Use a tenth of the animals, as a smoke test.")
def main(
    *,
    data: Path,
    models: Path,
    model: str,
    methods: tuple[str, ...],
    candidates: int | None,
    cache: Path,
    share: float,
    drawn: int | None,
    quick: bool,
) -> None:
    """Measure visual, local and joined scores and their cost, and write the figures."""
    if not (data / FOLDER / "index.csv").is_file():
        raise click.ClickException(f"no photographs of nyala in {data}; pass --data")
    # its threads wait for each other on a busy machine, and its time is measured with one
    cv2.setNumThreads(1)
    flanks = read_flanks(data / FOLDER, SIDE, share=QUICK_SHARE if quick else share, drawn=drawn or 0)
    visual = visual_scores(flanks, load_backbone(models, model))
    local: dict[str, Float64Array] = {}
    costs: dict[str, Cost] = {}
    for name in methods:
        method = open_method(name, models)
        short = candidates if method.files else None
        pairs = shortlists(visual, flanks.encounters, short) if short else None
        local[name] = local_scores(flanks, method, cache, pairs=pairs)
        costs[name] = measure_cost(flanks, method, cache)
    cost = costs[methods[0]]
    each_score, joined = figures(flanks, visual, local)
    results = {
        "backbone": model,
        "photographs": len(flanks.paths),
        "animals": len(set(flanks.animals)),
        "candidates": candidates,
        "each": each_score,
        "joined": joined,
        "cost": {name: {**asdict(each), "survey_s": each.survey_s} for name, each in costs.items()},
    }
    judged = joined[f"{' + '.join(local)}, {JUDGED}"]["gain"]
    bars = [
        Bar("gain of rank-1", judged[0], least=LEAST_RANK_1),
        Bar("gain of rank-5", judged[1], least=LEAST_RANK_5),
        Bar("extraction, CPU s", cost.extraction_s, most=MOST_EXTRACTION_S),
        Bar("1,000 x 50 on two cores, s", cost.survey_s / CORES, most=MOST_SHORTLIST_S),
    ]
    print(results)
    print(f"written: {report.write('local-quick' if quick else 'local', results, bars)}")
    missed = report.judge(bars)
    # bars do not apply to few photographs
    raise SystemExit(0 if quick else missed)


def figures(
    flanks: Flanks, visual: Float64Array, local: Mapping[str, Float64Array]
) -> tuple[dict[str, list[float]], dict[str, dict[str, list[float]]]]:
    """Rank-1, rank-5 and mean average precision of scores, and of joined ones on animals not learned from.

    Each local score is joined with the visual one, and all of them together. The gain of a joined score is
    its ratio to the visual score on the same queries over all splits, with an interval of 95 % by drawing
    animals.
    """
    asked, same = relevant(flanks.animals, flanks.encounters)
    everyone = np.ones(len(visual), dtype=np.bool_)
    single = {"visual": visual, **{name: behind(score, visual) for name, score in local.items()}}
    each_score = {
        name: measure(score, asked, same, everyone).mean(axis=0).tolist() for name, score in single.items()
    }
    together = {name: [visual, score] for name, score in local.items()}
    together[" + ".join(local)] = [visual, *local.values()]
    found: dict[str, list[Float64Array]] = {}
    animals = np.unique(flanks.animals, return_inverse=True)[1]
    asking: list[IntArray] = []
    for known in halves(flanks.animals):
        scores = dict(single)
        for (names, parts), (way, join) in product(together.items(), JOINED.items()):
            scores[f"{names}, {way}"] = behind(join(parts, asked, same, known), visual)
        asking.append(animals[same.any(axis=1) & ~known])
        for name, score in scores.items():
            found.setdefault(name, []).append(measure(score, asked, same, ~known))
    base, owners = np.concatenate(found["visual"]), np.concatenate(asking)
    return each_score, {name: gains(np.concatenate(each), base, owners) for name, each in found.items()}


def gains(own: Float64Array, base: Float64Array, animals: IntArray) -> dict[str, list[float]]:
    """Means of measures (q, 3), and their ratio to those of `base` with an interval over animals (q,)."""
    rng = np.random.default_rng(0)
    count = int(animals.max()) + 1
    times = rng.multinomial(count, np.full(count, 1.0 / count), size=DRAWS)[:, animals]
    ratios = (times @ own) / np.maximum(times @ base, 1e-12)
    return {
        "mean": own.mean(axis=0).tolist(),
        "gain": (own.mean(axis=0) / np.maximum(base.mean(axis=0), 1e-12)).tolist(),
        "low": np.quantile(ratios, 0.025, axis=0).tolist(),
        "high": np.quantile(ratios, 0.975, axis=0).tolist(),
    }


if __name__ == "__main__":
    main()
