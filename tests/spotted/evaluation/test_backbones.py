import numpy as np
import pytest

from spotted.arrays import Float32Array
from spotted.errors import PreconditionError
from spotted.evaluation.backbones import compare_backbones, measure_agreement
from spotted.evaluation.retrieval import measure_retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring import unit_rows
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey

NAMES = [f"animal {row // 3}" if row < 45 else "" for row in range(50)]


def gallery(noise: float, seed: int) -> Gallery:
    """Fifty detections, 45 of 15 animals, whose vectors scatter around their animal's."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(17, 8))
    vectors = unit_rows(centres[np.arange(50) // 3] + noise * rng.normal(size=(50, 8)))
    detections = [Detection(f"d{row:02}") for row in range(50)]
    return Gallery.of(Survey("ridge", 0.0, 1.0), detections, vectors)


def test_each_backbone_is_measured_as_it_is_measured_by_itself() -> None:
    blurred, sharp = gallery(1.5, 1), gallery(0.5, 2)
    found = compare_backbones(blurred, sharp, NAMES, np.random.default_rng(0))
    for one, metrics in ((blurred, found.first), (sharp, found.second)):
        plain = measure_retrieval(one, NAMES, fusion=Fusion.VISUAL)
        assert metrics.queries == plain.queries == 45
        assert {k: share.value for k, share in metrics.top.items()} == pytest.approx(plain.top)
        assert metrics.mean_average_precision.value == pytest.approx(plain.mean_average_precision)
    gain = found.gain.top[1]
    assert gain.value == pytest.approx(found.second.top[1].value - found.first.top[1].value)
    assert 0.0 < gain.low < gain.value < gain.high
    assert found.only_second - found.only_first == pytest.approx(gain.value)


def test_a_backbone_gains_nothing_over_itself() -> None:
    one = gallery(1.0, 1)
    found = compare_backbones(one, one, NAMES, np.random.default_rng(0))
    assert (found.gain.top[1].value, found.gain.top[1].high) == (0.0, 0.0)
    assert found.only_first == found.only_second == 0.0
    assert found.agreement.shared == {1: 1.0, 5: 1.0, 10: 1.0, 20: 1.0}
    assert found.agreement.correlation == pytest.approx(1.0)


def test_agreement_equals_that_of_rankings_written_out() -> None:
    one, other = gallery(1.0, 1).embeddings, gallery(1.0, 2).embeddings
    found = measure_agreement(one, other, np.random.default_rng(0), ks=[1, 5, 60])
    shared, correlations = {1: 0.0, 5: 0.0}, []
    for query in range(50):
        candidates = [row for row in range(50) if row != query]

        def ranked(vectors: Float32Array, query: int = query) -> list[int]:
            cosines = {row: float(vectors[query] @ vectors[row]) for row in range(50) if row != query}
            return sorted(cosines, key=lambda row: -cosines[row])

        rankings = ranked(one), ranked(other)
        for k in shared:
            shared[k] += len({*rankings[0][:k]} & {*rankings[1][:k]}) / k / 50
        ranks = [np.array([ranking.index(row) for row in candidates]) for ranking in rankings]
        correlations.append(float(np.corrcoef(np.stack(ranks))[0, 1]))
    assert found.shared == pytest.approx(shared)
    assert found.correlation == pytest.approx(np.mean(correlations))


def test_a_part_of_the_queries_is_drawn_from_a_large_survey() -> None:
    found = measure_agreement(
        gallery(1.0, 1).embeddings, gallery(1.0, 1).embeddings, np.random.default_rng(0), most=7
    )
    assert found.queries == 7
    assert found.correlation == pytest.approx(1.0)


def test_surveys_without_names_or_candidates_are_refused() -> None:
    one = gallery(1.0, 1)
    with pytest.raises(PreconditionError, match="no individual is known from two detections"):
        compare_backbones(one, one, [""] * 50, np.random.default_rng(0))
    with pytest.raises(PreconditionError, match="2 detections have no rankings"):
        measure_agreement(one.embeddings[:2], one.embeddings[:2], np.random.default_rng(0))
