"""HotSpotter, backbones and Spotted side by side, as in the paper's figure 4.

    python -m benchmarks.grouping --data ../shared/data --figure docs/images/scores.png

On one flank of nyala and on the composites: top-k and mean average precision of each score, with intervals of
95 % by drawing animals.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.common import report
from benchmarks.common.options import cache_option, data_option, models_option, share_option
from benchmarks.grouping.curves import (
    HOTSPOTTER,
    LOCATION,
    LOOKS,
    SPOTTED,
    SPOTTED_MARKS,
    Curves,
    measure_curves,
)
from benchmarks.grouping.figure import draw_curves, table_of
from benchmarks.grouping.surveys import matched_surveys
from services.embedder.inference.backbones import load_backbone
from spotted.scoring.similarity import single_precision

SEED = 0
GAINS = ((LOOKS, HOTSPOTTER), (SPOTTED, LOCATION), (SPOTTED_MARKS, SPOTTED), (SPOTTED_MARKS, HOTSPOTTER))


@click.command(help=__doc__)
@data_option
@models_option
@click.option(
    "--model",
    "chosen",
    multiple=True,
    default=("efficientnet-lite0",),
    show_default=True,
    help="Backbone; may be repeated. All other scores use the first.",
)
@cache_option
@share_option
@click.option("--figure", type=click.Path(path_type=Path), help="PNG file to draw the curves into.")
def main(
    *, data: Path, models: Path, chosen: tuple[str, ...], cache: Path, share: float, figure: Path | None
) -> None:
    """Measure, print, and write tables and curves."""
    # its threads wait for each other on a busy machine
    cv2.setNumThreads(1)
    backbones = {name: load_backbone(models, name) for name in chosen}
    gains = [*((LOOKS, name) for name in chosen), *((name, chosen[0]) for name in chosen[1:]), *GAINS]
    curves: dict[str, Curves] = {}
    for survey in matched_surveys(data, backbones[chosen[0]], cache, share):
        others = {name: survey.vectors(backbones[name]) for name in chosen[1:]}
        vectors = {chosen[0]: single_precision(survey.gallery.embeddings), **others}
        name = survey.known.name
        curves[name] = measure_curves(survey, vectors, gains, np.random.default_rng(SEED))
        click.echo(table_of({name: curves[name]}))
    written = report.write("scores", results(curves), [])
    written.with_suffix(".md").write_text(table_of(curves))
    click.echo(f"written: {written}")
    if figure is not None:
        figure.parent.mkdir(parents=True, exist_ok=True)
        figure.write_bytes(draw_curves(curves))


def results(curves: dict[str, Curves]) -> dict[str, object]:
    """All figures for the file."""
    return {
        survey: {
            "queries": one.queries,
            "animals": one.animals,
            "scores": {
                score: {**asdict(curve), "shares": curve.shares.tolist()} for score, curve in one.of.items()
            },
            "gains": {
                f"{score} over {over}": [asdict(value) for value in values]
                for (score, over), values in one.gains.items()
            },
        }
        for survey, one in curves.items()
    }


if __name__ == "__main__":
    main()
