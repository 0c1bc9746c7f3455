from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio

from services.common import process
from services.common.rpc.turns import Turns
from services.common.server import Service
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.sampler import wire
from services.sampler.scorer_client import ATTEMPTS, ScorerClient
from services.sampler.survey_values import SurveyChanges, SurveyScores, Version
from services.scorer.__main__ import service
from services.scorer.calibrations import CalibrationStore
from services.scorer.catalogue.catalogues import Catalogues
from services.scorer.catalogue.changes import CatalogueChanges
from services.scorer.detections import delete_detections
from services.scorer.local.matchings import Matchings
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.scored_surveys import ScoredSurveys
from services.scorer.servicer import ScorerServicer
from services.scorer.surveys import Surveys
from spotted.calibration.looks import count_marks
from spotted.client import EmbeddingSpec, Spotted
from spotted.client.gallery import load_gallery
from spotted.client.session_messages import questions
from spotted.client.values import LocalFeatureSpec
from spotted.errors import ConcurrencyError, NotFoundError, UnavailableError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Side, Survey
from spotted.v1 import sampler_pb2, scorer_pb2
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server
from tests.services.sampler.individuals.session import OpenSession
from tests.services.sampler.surveys import Sampler
from tests.services.scorer.local.features import photograph
from tests.services.serving import running
from tests.waiting import until

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=6)
COUNT = 12


def plant(address: str, survey_id: str, count: int) -> None:
    """A small survey; the first detection has no time, two share an image."""
    rng = np.random.default_rng(1)
    cameras = {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i, y_m=0.0) for i in range(3)}
    detections = [
        Detection(
            f"d{i:02}", f"c{i % 3}", i * 5000.0 if i else None, "both" if i in {1, 4} else "", Side.LEFT
        )
        for i in range(count)
    ]
    with spotted(address) as client:
        client.create_survey(Survey(survey_id, 0.0, 100_000.0, cameras=cameras))
        if count:
            vectors = rng.normal(size=(count, 6)).astype(np.float32)
            client.survey(survey_id).add_detections(detections, vectors, SPEC)


def spotted(address: str) -> Spotted:
    return Spotted(embedder=address, scorer=address, sampler=address)


@pytest.fixture
def address(store: Store, survey_id: str) -> Iterator[str]:
    """The real scorer with a small survey."""
    with running(service(store)) as address:
        plant(address, survey_id, COUNT)
        yield address


@pytest.fixture
def scorer(address: str) -> Iterator[ScorerClient]:
    """The client that the sampler reads it with."""
    client = ScorerClient(address)
    yield client
    client.close()


def in_order(scores: SurveyScores) -> dict[str, int]:
    return {detection_id: row for row, detection_id in enumerate(scores.detections)}


def test_matched_marks_raise_the_scores_of_questions(
    scorer: ScorerClient, address: str, survey_id: str
) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    before = scorer.read(survey_id, COUNT, with_embeddings=False).columns
    with spotted(address) as client:
        survey = client.survey(survey_id)
        features = {f"d{n:02}": photograph(n % 4, n // 4).to_bytes() for n in range(COUNT)}
        survey.add_local_features(features, LocalFeatureSpec(method="hotspotter", digest="a" * 64))
        survey.match_local_features()
        # two are in one image
        pairs = COUNT * (COUNT - 1) // 2 - 1
        until(lambda: len(survey.local_scores().pairs) == pairs, "the marks are matched")
        gallery, _ = load_gallery(survey)
    after = scorer.read(survey_id, COUNT, with_embeddings=False).columns
    assert gallery.local is not None
    ends = after.query.astype(np.int64), after.candidate.astype(np.int64)
    marks = gallery.local.marks_of(*ends) > 0
    expected = gallery.score_pairs(*ends, Fusion.LOCAL)
    np.testing.assert_allclose(after.fused, expected.fused, atol=1e-6)
    local = np.where(marks, gallery.local.scores_of(*ends), np.float32(np.nan))
    seen = ~(expected.feasibility < 1e-6)
    looks = count_marks(expected.visual, local)
    np.testing.assert_allclose(after.visual[seen], looks[seen], atol=1e-4)
    assert (looks[seen] > expected.visual[seen] + 0.05).any()
    assert sorted(zip(before.query, before.candidate, strict=True)) == sorted(
        zip(after.query, after.candidate, strict=True)
    )


def test_a_survey_is_read_whole_with_its_candidates(scorer: ScorerClient, survey_id: str) -> None:
    scores = scorer.read(survey_id, 3, with_embeddings=True)
    assert list(scores.detections) == [f"d{i:02}" for i in range(COUNT)]
    assert set(scores.cameras) == {"c0", "c1", "c2"}
    assert scores.columns.query.tolist() == sorted(list(range(COUNT)) * 3)
    assert not scores.complete
    assert scorer.read(survey_id, COUNT - 1, with_embeddings=False).complete


def test_the_columns_are_the_lists_that_a_client_reads(
    scorer: ScorerClient, address: str, survey_id: str
) -> None:
    scores = scorer.read(survey_id, 4, with_embeddings=False)
    row = in_order(scores)
    with spotted(address) as client:
        lists = list(client.survey(survey_id).candidates(top_k=4))
    pairs = [(row[one.detection_id], row[c.detection_id]) for one in lists for c in one.candidates]
    listed = [
        (c.visual, c.feasibility if c.feasibility is not None else np.nan, c.fused)
        for one in lists
        for c in one.candidates
    ]
    columns = scores.columns
    np.testing.assert_array_equal(np.stack([columns.query, columns.candidate], axis=1), pairs)
    np.testing.assert_array_equal(
        np.stack([columns.visual, columns.feasibility, columns.fused], axis=1), np.array(listed, np.float32)
    )


def test_with_a_filter_only_pairs_that_pass_are_candidates(scorer: ScorerClient, survey_id: str) -> None:
    whole = scorer.read(survey_id, COUNT - 1, with_embeddings=False)
    only = CandidateFilter(camera_ids=["c1", "c2", "deleted"], captured_from=Timestamp(seconds=10_000))
    read = scorer.read(survey_id, COUNT - 1, with_embeddings=False, only=only)
    inside = {row for row in range(COUNT) if row % 3 and row * 5000 >= 10_000}
    rows = zip(whole.columns.query.tolist(), whole.columns.candidate.tolist(), strict=True)
    kept = np.array([{query, candidate} <= inside for query, candidate in rows])
    for name in ("query", "candidate", "visual", "feasibility", "fused"):
        np.testing.assert_array_equal(getattr(read.columns, name), getattr(whole.columns, name)[kept])
    # the few that pass have all candidates long before a list could hold all detections
    assert scorer.read(survey_id, len(inside), with_embeddings=False, only=only).complete
    assert not scorer.read(survey_id, 1, with_embeddings=False, only=only).complete
    nobody = CandidateFilter(camera_ids=["deleted"])
    assert len(scorer.read(survey_id, 3, with_embeddings=False, only=nobody).columns.query) == 0


def test_a_candidate_takes_twenty_bytes(scorer: ScorerClient, survey_id: str) -> None:
    columns = scorer.read(survey_id, 3, with_embeddings=False).columns
    assert {columns.query.dtype, columns.candidate.dtype} == {np.dtype(np.int32)}
    scores = (columns.visual, columns.feasibility, columns.fused)
    assert {column.dtype for column in scores} == {np.dtype(np.float32)}
    assert {column.shape for column in (columns.query, columns.candidate, *scores)} == {(3 * COUNT,)}


def test_vectors_are_kept_as_they_are_sent_and_learned_from_in_single_precision(
    scorer: ScorerClient, address: str, survey_id: str
) -> None:
    assert scorer.read(survey_id, 3, with_embeddings=False).embeddings is None
    scores = scorer.read(survey_id, 3, with_embeddings=True)
    assert scores.embeddings is not None
    assert scores.embeddings.dtype == np.float16
    with spotted(address) as client:
        _, stored = client.survey(survey_id).detections_with_embeddings()
    graph = scores.graph({"gone": 0} | {i: row + 1 for i, row in in_order(scores).items()}, COUNT + 1)
    assert graph.embeddings is not None
    assert graph.embeddings.dtype == np.float32
    np.testing.assert_array_equal(graph.embeddings, np.concatenate([np.zeros((1, 6)), stored]))


def test_the_graph_holds_each_pair_once_with_unknown_feasibility_kept(
    scorer: ScorerClient, survey_id: str
) -> None:
    scores = scorer.read(survey_id, COUNT - 1, with_embeddings=False)
    graph = scores.graph(in_order(scores), COUNT)
    # two animals of one image are no pair
    assert len(graph) == COUNT * (COUNT - 1) // 2 - 1
    touches_first = graph.first == 0
    assert np.isnan(graph.feasibility[touches_first]).all()
    assert not np.isnan(graph.feasibility[~touches_first]).any()
    np.testing.assert_array_equal(graph.fused[touches_first], graph.visual[touches_first])


def test_a_detection_that_is_gone_stays_an_item_without_pairs(scorer: ScorerClient, survey_id: str) -> None:
    scores = scorer.read(survey_id, COUNT - 1, with_embeddings=True)
    graph = scores.graph({"gone": 0} | {i: row + 1 for i, row in in_order(scores).items()}, COUNT + 1)
    assert graph.n == COUNT + 1
    assert graph.first.min() == 1


def test_the_table_is_in_the_order_of_the_items_and_knows_nothing_of_what_is_gone(
    scorer: ScorerClient, survey_id: str
) -> None:
    scores = scorer.read(survey_id, 1, with_embeddings=False)
    backwards = {i: COUNT - row for i, row in in_order(scores).items()} | {"gone": 0}
    table = scores.table(backwards, COUNT + 1)
    assert len(table) == COUNT + 1
    for detection_id, item in backwards.items():
        if detection_id != "gone":
            row = int(detection_id[1:])
            assert table.position_m[item].tolist() == [row % 3 * 1000.0, 0.0]
            assert table.time_s[item] == row * 5000.0 or (row == 0 and np.isnan(table.time_s[item]))
            assert table.side[item] == Side.LEFT
    assert np.isnan([*table.position_m[0], table.time_s[0]]).all()
    assert (table.image[0], table.side[0]) == (-1, Side.UNKNOWN)
    shared = [backwards["d01"], backwards["d04"]]
    assert np.flatnonzero(table.image >= 0).tolist() == sorted(shared)
    assert len(set(table.image[shared])) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_a_survey_without_pairs_is_read_too(
    scorer: ScorerClient, address: str, survey_id: str, count: int
) -> None:
    small = f"{survey_id}-small"
    plant(address, small, count)
    scores = scorer.read(small, 5, with_embeddings=True)
    graph = scores.graph(in_order(scores), count)
    assert (len(scores.detections), graph.n, len(graph), len(scores.table(in_order(scores), count))) == (
        count,
        count,
        0,
        count,
    )
    assert scores.version == scorer.version(small)[0]


def test_the_version_follows_the_survey(scorer: ScorerClient, survey_id: str) -> None:
    version, count = scorer.version(survey_id)
    assert count == COUNT
    assert version.uid
    assert scorer.read(survey_id, 1, with_embeddings=False).version == version
    assert scorer.facts(survey_id).version == version


def test_changes_say_what_became_of_detections_since_a_version(
    scorer: ScorerClient, address: str, survey_id: str
) -> None:
    version, _ = scorer.version(survey_id)
    assert scorer.changes(survey_id, version).stored == {}
    stored = scorer.facts(survey_id).detections
    with spotted(address) as client:
        survey = client.survey(survey_id)
        survey.delete_detections(["d02", "d03"])
        rng = np.random.default_rng(5)
        survey.add_detections([stored["d03"]], rng.normal(size=(1, 6)).astype(np.float32), SPEC)
    changes = scorer.changes(survey_id, version)
    assert changes.stored == {"d02": False, "d03": True}
    assert changes.version == scorer.version(survey_id)[0]
    assert scorer.changes(survey_id, changes.version).stored == {}
    # the vector is another one
    assert scorer.facts(survey_id).versions == {"d03": 1}
    assert scorer.read(survey_id, 3, with_embeddings=False).versions == {"d03": 1}
    other = Version("other", version.revision)
    assert scorer.changes(survey_id, other) == SurveyChanges(changes.version, {})


def test_a_session_over_the_scorer_loses_what_the_survey_loses(
    store: Store, scorer: ScorerClient, address: str, survey_id: str
) -> None:
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "learned")
    opened = OpenSession(sampler, survey_id)
    ((first, second),) = sampler.ask(survey_id)
    opened.label(first, second, "SAME")
    with spotted(address) as client:
        survey = client.survey(survey_id)
        detections, vectors = survey.detections_with_embeddings()
        assert survey.delete_detections([first]).deleted == 1
        late = opened.sampler.answer(survey_id, (first, second), sampler_pb2.ANSWER_SAME)
        assert late.effect == sampler_pb2.LABEL_EFFECT_GONE
        assert frozenset({second}) in opened.partition()
        asked = {
            i for question in sampler.asked(survey_id, count=20).questions for i in question.detection_ids
        }
        assert first not in asked
        kept = [one for one in detections if one.detection_id == first]
        row = [one.detection_id for one in detections].index(first)
        survey.add_detections(kept, vectors[row : row + 1], SPEC)
    sampler.sessions.current(survey_id, "main")
    assert frozenset({first, second}) in opened.partition()


def test_questions_and_explanations_name_the_station_that_two_cameras_share(
    store: Store, scorer: ScorerClient, address: str, survey_id: str
) -> None:
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    with spotted(address) as client:
        survey = client.survey(survey_id)
        survey.upsert_cameras([replace(camera, station="ford") for camera in survey.cameras()])
        assert {camera.station for camera in survey.cameras()} == {"ford"}
        asked = questions(wire.next_pairs_response(sampler.asked(survey_id, count=9))).pairs
        stations = set()
        for question in asked:
            explained = survey.explain_pair(question.first.detection_id, question.second.detection_id)
            is_pair = question.first.camera_id != question.second.camera_id
            assert question.station == explained.station == ("ford" if is_pair else "")
            if explained.feasibility is not None:
                assert explained.reason.startswith("same station ford: " if is_pair else "same camera ")
            stations.add(question.station)
        assert stations == {"", "ford"}


class Shrinking(ScorerServicer):
    """The real scorer, whose survey loses a detection after some rpc has answered."""

    def __init__(self, store: Store, after: str, times: int) -> None:
        heads, calibrations = HeadStore(store), CalibrationStore(store, now=process.now)
        self._shrinking = Surveys(store, heads, now=process.now)
        matched = MatchedSurveys(store, self._shrinking.snapshot)
        scored = ScoredSurveys(self._shrinking, heads, calibrations, matched=matched)
        matchings = Matchings(store, self._shrinking, scored, matched)
        catalogue = CatalogueChanges(Catalogues(store, process.now), self._shrinking)
        super().__init__(self._shrinking, scored, calibrations, catalogue, Turns(1), matchings)
        self._after, self._times, self.lost = after, times, 0

    async def GetSurvey(  # noqa: N802 - the rpc
        self, request: scorer_pb2.GetSurveyRequest, context: object
    ) -> scorer_pb2.GetSurveyResponse:
        answer = await super().GetSurvey(request, context)
        self._lose("GetSurvey", request.survey_id)
        return answer

    async def ListCameras(  # noqa: N802 - the rpc
        self, request: scorer_pb2.ListCamerasRequest, context: object
    ) -> scorer_pb2.ListCamerasResponse:
        answer = await super().ListCameras(request, context)
        self._lose("ListCameras", request.survey_id)
        return answer

    def _lose(self, rpc: str, survey_id: str) -> None:
        if rpc == self._after and self.lost < self._times:
            delete_detections(self._shrinking, survey_id, [f"d{self.lost:02}"], "")
            self.lost += 1

    def service(self) -> Service:
        def register(server: aio.Server) -> None:
            add_ScorerServiceServicer_to_server(self, server)

        return Service("spotted.v1.ScorerService", register)


@pytest.mark.parametrize("after", ["GetSurvey", "ListCameras"])
def test_a_survey_that_changes_while_it_is_read_is_read_again(
    scorer: ScorerClient, store: Store, survey_id: str, after: str
) -> None:
    servicer = Shrinking(store, after, times=2)
    with running(servicer.service()) as address:
        client = ScorerClient(address)
        read = client.read(survey_id, 4, with_embeddings=True)
        client.close()
    assert servicer.lost == 2
    again = scorer.read(survey_id, 4, with_embeddings=True)
    assert read.version == again.version
    assert list(read.detections) == list(again.detections) == [f"d{i:02}" for i in range(2, COUNT)]
    np.testing.assert_array_equal(read.columns.query, again.columns.query)
    np.testing.assert_array_equal(read.columns.candidate, again.columns.candidate)
    np.testing.assert_array_equal(read.columns.fused, again.columns.fused)


@pytest.mark.parametrize("after", ["GetSurvey", "ListCameras"])
def test_a_survey_that_never_rests_is_given_up(
    scorer: ScorerClient, store: Store, survey_id: str, after: str
) -> None:
    assert scorer.version(survey_id)[1] == COUNT
    servicer = Shrinking(store, after, times=COUNT)
    with running(servicer.service()) as address:
        client = ScorerClient(address)
        with pytest.raises(ConcurrencyError, match=survey_id):
            client.read(survey_id, 4, with_embeddings=False)
        client.close()
    assert servicer.lost == ATTEMPTS


def test_an_unknown_survey_and_a_dead_scorer_are_distinguished(scorer: ScorerClient) -> None:
    with pytest.raises(NotFoundError, match="nosuch"):
        scorer.version("nosuch")
    dead = ScorerClient("127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
        dead.version("nosuch")
    dead.close()
