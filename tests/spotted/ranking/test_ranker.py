from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.rpc.checks import FARTHEST_M
from spotted import messages
from spotted.arrays import BoolArray, Float32Array, FloatArray, IntArray
from spotted.errors import InvalidInputError, PreconditionError
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import WIDE_BYTES, Ranked, Ranker
from spotted.scoring.feasibility import (
    LARGEST_SETTING,
    FeasibilityParams,
    describe_journey,
    needed_speed_kmh,
    softened_journey,
)
from spotted.scoring.fusion import Fusion
from spotted.scoring.parallel import open_runner
from spotted.scoring.similarity import normalise_rows, product_error, single_precision, unit_rows
from spotted.survey import Camera, Detection, Extent, Survey, detection_table, id_order
from tests.spotted.surveys import EXTENT, random_gallery


def plain_top_k(gallery: Gallery, query: int, k: int, fusion: Fusion) -> list[int]:
    """Score every pair exactly, drop what cannot compete, sort by score and id."""
    table = gallery.table
    rivals = [
        j
        for j in range(len(gallery))
        if j != query and not (table.image[j] >= 0 and table.image[j] == table.image[query])
    ]
    if not rivals:
        return []
    scores = gallery.score_pairs(np.full(len(rivals), query), np.array(rivals), fusion).fused
    order = sorted(range(len(rivals)), key=lambda i: (-scores[i], gallery.order[rivals[i]]))
    return [rivals[i] for i in order[:k]]


def ranked(
    gallery: Gallery, k: int, fusion: Fusion = Fusion.PRODUCT, block: int = 7, threads: int = 1
) -> list[Ranked]:
    everyone = np.arange(len(gallery))
    return list(Ranker(gallery).top_k(everyone, k, fusion=fusion, block=block, threads=threads))


def assert_same(ones: list[Ranked], others: list[Ranked]) -> None:
    shapes, theirs = ([(one.query, one.compared, len(one.rows)) for one in side] for side in (ones, others))
    assert shapes == theirs
    rows = [np.concatenate([one.rows for one in side]) for side in (ones, others)]
    np.testing.assert_array_equal(rows[0], rows[1])
    for name in ("visual", "feasibility", "fused"):
        scores = [np.concatenate([getattr(one.scores, name) for one in side]) for side in (ones, others)]
        np.testing.assert_array_equal(scores[0], scores[1])


def clustered_gallery(count: int, seed: int) -> Gallery:
    """Some 12 detections an animal that look alike, at places and times that are all known but for a few."""
    gallery = random_gallery(count, seed, dimension=96)
    rng = np.random.default_rng(seed)
    animal = rng.normal(size=(max(1, count // 12), 96))[rng.integers(0, max(1, count // 12), count)]
    embeddings = unit_rows(animal + rng.normal(size=(count, 96))).astype(np.float16)
    camera = rng.uniform(0, 14_000, size=(9, 2))[rng.integers(0, 9, count)]
    time_s = np.where(rng.random(count) < 0.01, np.nan, rng.uniform(0, EXTENT.span_s, count).round())
    table = replace(gallery.table, position_m=camera, time_s=time_s)
    return replace(gallery, embeddings=embeddings, table=table)


@cache
def larger_gallery() -> Gallery:
    return clustered_gallery(500, seed=2)


@cache
def larger_answers(fusion: Fusion) -> tuple[list[list[int]], list[Ranked]]:
    """The rows of every fiftieth query of the larger survey by a plain loop, and all answers."""
    gallery = larger_gallery()
    plain = [plain_top_k(gallery, query, 5, fusion) for query in range(0, 500, 50)]
    return plain, ranked(gallery, 5, fusion, 100)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 40),
    seed=st.integers(0, 1000),
    k=st.integers(1, 45),
    fusion=st.sampled_from(Fusion),
    block=st.integers(1, 50),
    limit=st.sampled_from([None, 0.02]),
)
def test_top_k_is_that_of_scoring_every_pair(
    count: int, seed: int, k: int, fusion: Fusion, block: int, limit: float | None
) -> None:
    gallery = random_gallery(count, seed, params=FeasibilityParams(max_speed_kmh=limit))
    for answer in ranked(gallery, k, fusion, block):
        assert answer.rows.tolist() == plain_top_k(gallery, answer.query, k, fusion)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), blocks=st.tuples(st.integers(1, 64), st.integers(1, 64)))
def test_no_block_size_changes_a_bit(seed: int, blocks: tuple[int, int]) -> None:
    gallery = random_gallery(60, seed, dimension=1280)
    first, second = (ranked(gallery, 10, block=block) for block in blocks)
    assert_same(first, second)


@pytest.mark.parametrize("block", [31, 256, 500])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fusion", list(Fusion))
def test_no_block_size_or_thread_count_changes_a_larger_survey(
    block: int, threads: int, fusion: Fusion
) -> None:
    found = ranked(larger_gallery(), 5, fusion, block, threads)
    plain, in_blocks_of_100 = larger_answers(fusion)
    assert [a.rows.tolist() for a in found[::50]] == plain
    assert_same(found, in_blocks_of_100)


@pytest.mark.parametrize("fusion", list(Fusion))
def test_everyone_at_once_finds_what_each_finds_alone(fusion: Fusion) -> None:
    gallery = clustered_gallery(300, seed=4)
    ranker = Ranker(gallery)
    alone = [answer for i in range(300) for answer in ranker.top_k(np.array([i]), 6, fusion=fusion)]
    assert_same(alone, ranked(gallery, 6, fusion, 64))


def test_queries_may_come_in_any_order_and_more_than_once() -> None:
    gallery = clustered_gallery(80, seed=5)
    found = ranked(gallery, 4)
    queries = np.array([7, 3, 3, 79])
    assert_same(list(Ranker(gallery).top_k(queries, 4)), [found[i] for i in queries])


def test_float16_and_the_same_values_in_float32_rank_alike() -> None:
    gallery = clustered_gallery(200, seed=6)
    wide = replace(gallery, embeddings=gallery.embeddings.astype(np.float32))
    assert_same(ranked(gallery, 7), ranked(wide, 7))


def test_embeddings_too_many_for_a_float32_copy_rank_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = clustered_gallery(200, seed=6)
    found = ranked(gallery, 7)
    monkeypatch.setattr("spotted.ranking.ranker.WIDE_BYTES", 0)
    assert_same(ranked(gallery, 7), found)


@pytest.mark.parametrize(
    "params",
    [
        FeasibilityParams(clock_uncertainty_s=90_000.0, use_location_uncertainty=True),
        FeasibilityParams(decay=0.0),
        FeasibilityParams(decay=5_000.0),
        FeasibilityParams(max_speed_kmh=0.001),
    ],
)
@pytest.mark.parametrize("extent", [EXTENT, Extent(0.0, EXTENT.span_s), Extent(1e-3, EXTENT.span_s)])
def test_every_setting_of_feasibility_keeps_the_ranking_exact(
    params: FeasibilityParams, extent: Extent
) -> None:
    gallery = replace(clustered_gallery(120, seed=7), params=params, extent=extent)
    for answer in ranked(gallery, 5, block=50):
        assert answer.rows.tolist() == plain_top_k(gallery, answer.query, 5, Fusion.PRODUCT)


def test_equal_scores_are_ordered_by_id_whatever_the_block() -> None:
    gallery = clustered_gallery(90, seed=8)
    same_look = np.broadcast_to(gallery.embeddings[:1], gallery.embeddings.shape)
    table = replace(gallery.table, image=np.full(90, -1), time_s=np.zeros(90), position_m=np.zeros((90, 2)))
    twins = replace(gallery, embeddings=same_look, table=table)
    by_id = np.argsort(twins.order)
    for answer in ranked(twins, 9, block=20):
        assert answer.rows.tolist() == [row for row in by_id.tolist() if row != answer.query][:9]


def test_the_order_of_rows_changes_nothing_but_their_numbers() -> None:
    gallery = random_gallery(50, seed=9)
    shuffle = np.random.default_rng(0).permutation(50)
    table = gallery.table
    other = Gallery(
        gallery.embeddings[shuffle],
        type(table)(
            table.position_m[shuffle],
            table.time_s[shuffle],
            table.image[shuffle],
            table.side[shuffle],
            table.location_uncertainty_m[shuffle],
            table.clock_suspect[shuffle],
        ),
        gallery.order[shuffle],
        gallery.extent,
        gallery.params,
    )
    here = {a.query: a.rows.tolist() for a in ranked(gallery, 8)}
    there = {int(shuffle[a.query]): shuffle[a.rows].tolist() for a in ranked(other, 8)}
    assert here == there


def test_a_filter_leaves_out_what_it_forbids_and_counts_the_rest() -> None:
    gallery = random_gallery(30, seed=3)

    def even_only(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.broadcast_to(columns % 2 == 0, np.broadcast_shapes(rows.shape, columns.shape))

    for answer in Ranker(gallery).top_k(np.arange(30), 30, allowed=even_only):
        image = gallery.table.image
        rivals = [
            j
            for j in range(0, 30, 2)
            if j != answer.query and not (image[j] >= 0 and image[j] == image[answer.query])
        ]
        assert answer.compared == len(rivals)
        assert sorted(answer.rows.tolist()) == rivals


@pytest.mark.parametrize("fusion", list(Fusion))
def test_a_filter_of_pairs_holds_for_the_query_it_speaks_of(fusion: Fusion) -> None:
    gallery = clustered_gallery(150, seed=9)

    def upwards(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.asarray((columns > rows) & (columns % 3 > 0))

    for answer in Ranker(gallery).top_k(np.arange(150), 4, fusion=fusion, allowed=upwards, block=40):
        rivals = [j for j in plain_top_k(gallery, answer.query, 150, fusion) if j > answer.query and j % 3]
        assert answer.rows.tolist() == rivals[:4]
        assert answer.compared == len(rivals)


def test_a_ranker_is_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = random_gallery(40, seed=5)
    converted: list[int] = []

    def counted(vectors: FloatArray) -> Float32Array:
        converted.extend([len(vectors)] if vectors.dtype == np.float16 else [])
        return single_precision(vectors)

    monkeypatch.setattr("spotted.ranking.ranker.single_precision", counted)
    ranker = Ranker(gallery)
    first, second = (list(ranker.top_k(np.array([3, 8]), 4)) for _ in range(2))
    ranker.score_block(np.array([3]), np.array([8]))
    ranker.look_up(gallery.embeddings[3].astype(np.float32), Fusion.PRODUCT)
    assert converted == [40]
    assert_same(first, second)


def test_a_single_detection_has_no_candidates() -> None:
    (only,) = ranked(random_gallery(1, seed=0), 5)
    assert (len(only.rows), only.compared) == (0, 0)


def test_no_detection_has_no_answer() -> None:
    assert ranked(random_gallery(0, seed=0), 5) == []


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_candidate_is_refused(k: int) -> None:
    with pytest.raises(InvalidInputError, match=f"top_k is {k}"):
        ranked(random_gallery(3, seed=0), k)


def test_two_animals_in_one_image_score_0_and_a_detection_scores_1_with_itself() -> None:
    gallery = random_gallery(40, seed=7)
    everyone = np.arange(40)
    block = Ranker(gallery).score_block(everyone, everyone)
    image = gallery.table.image
    shared = (image[:, None] == image[None, :]) & (image >= 0) & ~np.eye(40, dtype=bool)
    assert shared.any()
    assert (block[shared] == 0).all()
    assert (np.diag(block) == 1).all()


@pytest.mark.parametrize("fusion", list(Fusion))
def test_a_block_agrees_with_the_exact_pairs(fusion: Fusion) -> None:
    gallery = random_gallery(40, seed=8, dimension=512)
    first, second = np.triu_indices(40, 1)
    block = Ranker(gallery).score_block(np.arange(40), np.arange(40), fusion)
    exact = gallery.score_pairs(first, second, fusion).fused
    # a probability moves by no more than a few times what the similarity does
    error = (5 if fusion is Fusion.CALIBRATED else 1) * product_error(512)
    np.testing.assert_allclose(block[first, second], exact, atol=error)


def test_calibrated_scores_need_a_calibration() -> None:
    gallery = replace(random_gallery(5, seed=0), calibration=None)
    with pytest.raises(PreconditionError, match="no calibration to score by"):
        ranked(gallery, 2, Fusion.CALIBRATED)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_cosines_with_a_vector_are_those_of_each_row(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, everyone = random_gallery(30, seed=3), np.arange(30)
    rows = gallery.embeddings.astype(np.float32)
    for wide_bytes in (WIDE_BYTES, 0):
        monkeypatch.setattr("spotted.ranking.ranker.WIDE_BYTES", wide_bytes)
        with open_runner(threads) as run:
            looks = Ranker(gallery).look_up(rows[4], Fusion.VISUAL, run)
        np.testing.assert_allclose(looks.cosines(0 * everyone, everyone), rows @ rows[4], atol=1e-6)
        assert (looks.most(slice(0, 1))[0] >= rows @ rows[4]).all()


# values at the limits that services accept; a warning of numpy is an error in tests
DIMENSIONS, MOST = 3, 7
METRES = st.sampled_from([0.0, 1e-300, 1e-160, 1.0, FARTHEST_M, -FARTHEST_M])
INSTANTS = st.sampled_from([messages.FIRST_INSTANT_S, messages.LAST_INSTANT_S, 0.0, 1e-9, 1.0, None])
SETTINGS = st.sampled_from([0.0, 1e-308, 1.0, LARGEST_SETTING])
CAMERAS = st.builds(
    Camera,
    st.just("c"),
    METRES,
    METRES,
    location_uncertainty_m=st.sampled_from([0.0, 1e-300, 1.0, FARTHEST_M]),
    clock_suspect=st.booleans(),
)
PARAMS = st.builds(
    FeasibilityParams,
    SETTINGS,
    SETTINGS,
    st.booleans(),
    st.none() | st.sampled_from([1e-300, LARGEST_SETTING]),
)
PERIODS = st.sampled_from([(0.0, 1e-6), (0.0, 1e9), (messages.FIRST_INSTANT_S, messages.LAST_INSTANT_S)])
SCALES = st.sampled_from([1e-45, 1e-30, 1.0, 1e30, 1e37])


@settings(max_examples=150)
@given(
    st.lists(CAMERAS, min_size=1, max_size=3),
    st.lists(INSTANTS, min_size=1, max_size=MOST),
    PARAMS,
    PERIODS,
    SCALES,
)
def test_values_at_the_limits_are_scored_and_ranked_without_a_warning(
    places: list[Camera],
    instants: list[float | None],
    params: FeasibilityParams,
    period: tuple[float, float],
    scale: float,
) -> None:
    cameras = {str(n): camera for n, camera in enumerate(places)}
    detections = [Detection(f"d{n}", str(n % len(cameras)), at_s) for n, at_s in enumerate(instants)]
    count, table = len(detections), detection_table(detections, cameras)
    looks = (scale * np.random.default_rng(count).normal(size=(count, DIMENSIONS))).astype(np.float32)
    gallery = Gallery(
        normalise_rows(looks)[0].astype(np.float16),
        table,
        id_order([one.detection_id for one in detections]),
        Survey("s", *period, cameras=cameras).extent(),
        params,
    )
    everyone = np.arange(count)
    rows, columns = everyone.repeat(count), np.tile(everyone, count)
    for fusion in (Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION):
        fused = gallery.score_pairs(rows, columns, fusion).fused
        assert not np.isnan(fused).any()
        assert len(list(Ranker(gallery).top_k(everyone, 3, fusion=fusion, allowed=None, threads=1))) == count
    gallery.evidence(rows, columns)
    distance_m, gap_s = softened_journey(table, rows, columns, params)
    needed_speed_kmh(distance_m, gap_s)
    for distance, gap in zip(distance_m.tolist(), gap_s.tolist(), strict=True):
        assert describe_journey(distance, gap, ("a", "b"), params)
