from __future__ import annotations

import numpy as np

from services.sampler.survey_values import CandidateColumns, SurveyScores
from spotted.survey import Camera, Detection
from tests.services.sampler.versions import VERSION

SEEN = {i: Detection(i, "c", 10.0 * row) for row, i in enumerate("ba")}


def scores(query: list[int], candidate: list[int]) -> SurveyScores:
    values = np.linspace(0.1, 0.9, len(query), dtype=np.float32)
    rows = np.array(query, np.int32), np.array(candidate, np.int32)
    columns = CandidateColumns(*rows, values, values, values)
    embeddings = np.eye(2, dtype=np.float32)
    return SurveyScores(VERSION, 1, dict(SEEN), {"c": Camera("c", 1.0, 2.0)}, columns, embeddings)


def test_items_that_no_detection_has_are_in_the_graph_without_pairs_vectors_and_places() -> None:
    read = scores([0, 1], [1, 0])
    # item 0 was another vector of a, and item 3 is gone
    graph = read.graph({"b": 1, "a": 2, "gone": 3}, 4)
    assert (graph.n, graph.first.tolist(), graph.second.tolist()) == (4, [1], [2])
    assert graph.embeddings is not None
    assert graph.embeddings.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]
    assert graph.table is not None
    np.testing.assert_array_equal(graph.table.time_s, [np.nan, 0.0, 10.0, np.nan])


def test_a_survey_is_complete_if_every_list_holds_all_others() -> None:
    assert scores([0, 1], [1, 0]).complete


def test_columns_of_no_block_are_empty() -> None:
    assert len(CandidateColumns.joined([]).query) == 0
