from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from services.common.store import Store
from services.sampler.scoring import ScorerClient
from services.scorer.__main__ import service
from spotted.client import Spotted
from spotted.errors import NotFoundError, UnavailableError
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import survey_pb2
from tests.services.serving import running

SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=6)
COUNT = 12


@pytest.fixture
def scorer(store: Store, survey_id: str) -> Iterator[ScorerClient]:
    """The real scorer with a small survey, one detection without a time."""
    rng = np.random.default_rng(1)
    cameras = {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i, y_m=0.0) for i in range(3)}
    detections = [Detection(f"d{i:02}", f"c{i % 3}", i * 5000.0 if i else None) for i in range(COUNT)]
    with running(service(store)) as address:
        with Spotted(embedder=address, scorer=address, sampler=address) as spotted:
            spotted.create_survey(Survey(survey_id, 0.0, 100_000.0, cameras=cameras))
            vectors = rng.normal(size=(COUNT, 6)).astype(np.float32)
            spotted.add_detections(survey_id, detections, vectors, SPEC)
        client = ScorerClient(address)
        yield client
        client.close()


def test_a_survey_is_read_whole_with_its_candidates(scorer: ScorerClient, survey_id: str) -> None:
    scores = scorer.read(survey_id, 3, with_embeddings=True)
    assert list(scores.detections) == [f"d{i:02}" for i in range(COUNT)]
    assert set(scores.cameras) == {"c0", "c1", "c2"}
    assert scores.columns.query == sorted(list(range(COUNT)) * 3)
    assert scores.embeddings is not None
    assert scores.embeddings.shape == (COUNT, 6)
    assert not scores.complete
    assert scorer.read(survey_id, COUNT - 1, with_embeddings=False).complete


def test_the_graph_holds_each_pair_once_with_unknown_feasibility_kept(
    scorer: ScorerClient, survey_id: str
) -> None:
    scores = scorer.read(survey_id, COUNT - 1, with_embeddings=False)
    items = {detection_id: row for row, detection_id in enumerate(scores.detections)}
    graph = scores.graph(items)
    assert len(graph) == COUNT * (COUNT - 1) // 2
    touches_first = graph.first == 0
    assert np.isnan(graph.feasibility[touches_first]).all()
    assert not np.isnan(graph.feasibility[~touches_first]).any()
    np.testing.assert_array_equal(graph.fused[touches_first], graph.visual[touches_first])


def test_a_detection_that_is_gone_stays_an_item_without_pairs(scorer: ScorerClient, survey_id: str) -> None:
    scores = scorer.read(survey_id, COUNT - 1, with_embeddings=True)
    items = {"gone": 0} | {detection_id: row for row, detection_id in enumerate(scores.detections, start=1)}
    graph = scores.graph(items)
    assert graph.n == COUNT + 1
    assert graph.first.min() == 1


def test_the_revision_follows_the_survey(scorer: ScorerClient, survey_id: str) -> None:
    revision, count = scorer.revision(survey_id)
    assert count == COUNT
    assert scorer.read(survey_id, 1, with_embeddings=False).revision == revision


def test_an_unknown_survey_and_a_dead_scorer_are_told_apart(scorer: ScorerClient) -> None:
    with pytest.raises(NotFoundError, match="nosuch"):
        scorer.revision("nosuch")
    dead = ScorerClient("127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
        dead.revision("nosuch")
    dead.close()
