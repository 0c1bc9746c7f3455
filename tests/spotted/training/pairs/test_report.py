import io
import json
from dataclasses import replace

import numpy as np
from PIL import Image

from spotted.training.pairs.counts import count_pairs, measure_drift, sweep_pairs
from spotted.training.pairs.report import draw_sweep, report_pairs
from spotted.training.pairs.temporal import PairRules, find_pairs
from tests.spotted.training.pairs.test_counts import passing


def test_a_report_holds_the_counts_the_sweep_and_the_drift() -> None:
    columns = passing([0, 0, 1, 1, 0, 0])
    columns.corners[5] = np.nan
    rules = PairRules()
    pairs = find_pairs(columns, rules)
    report = report_pairs(columns, pairs, rules)
    assert report.sentence() == (
        "4 pairs from 4 pairs of frames; 0 ambiguous; 2 of 4 pairs with known individuals are wrong (50%); "
        "1 of 6 detections have no camera, time or box"
    )
    assert report.counts == count_pairs(columns, pairs, rules)
    assert report.sweep == tuple(sweep_pairs(columns, rules))
    assert report.drift == tuple(measure_drift(columns))
    document = json.loads(json.dumps(report.document()))
    assert document["counts"]["wrong_share"] == 0.5
    assert len(document["sweep"]) == len(report.sweep)
    assert document["rules"]["largest_gap_s"] == 600.0


def test_frames_left_out_are_named() -> None:
    columns = passing([-1, -1, -1])
    report = report_pairs(columns, find_pairs(columns, PairRules()), PairRules())
    left_out = replace(report, counts=replace(report.counts, left_out=3))
    assert "3 left out because a frame shows several animals" in left_out.sentence()


def test_a_sweep_is_drawn_with_and_without_names() -> None:
    for individual in ([0, 0, 1, 1], [-1] * 4):
        columns = passing(individual)
        report = report_pairs(columns, find_pairs(columns, PairRules()), PairRules())
        with Image.open(io.BytesIO(draw_sweep(report))) as drawn:
            assert drawn.format == "PNG"
