"""Clients for tests: of fakes in this process, or of the real services on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spotted.client.spotted import Spotted
from spotted.local import processes
from spotted.testing.fake_catalogue import FakeCatalogue
from spotted.testing.fake_embedder import FakeEmbedder
from spotted.testing.fake_sampler import FakeSampler
from spotted.testing.fake_scorer import FakeScorer
from spotted.testing.server import Replies, serve_replies


@contextmanager
def fake_services(replies: Replies | None = None) -> Iterator[Spotted]:
    """A client of fakes in this process, which start in milliseconds and forget everything at the end.

    Surveys are scored by the library, exactly, and local features matched at once; sessions ask pairs in the
    order of their scores and believe every answer; people name, merge, split and move individuals, and keep a
    catalogue, whose matches go by looks only. Filters, heads, calibrations, bursts and galleries are not
    implemented: such calls fail.
    replies: functions in place of a fake's, by the rpc's name, e.g. to raise an error of spotted.errors.

    >>> import numpy as np
    >>> from spotted import Detection, Survey
    >>> from spotted.client import EmbeddingSpec, Label
    >>> from spotted.constraints import Answer
    >>> spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    >>> vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> with fake_services() as spotted:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     added = survey.add_detections([Detection("a"), Detection("b"), Detection("c")], vectors, spec)
    ...     session = survey.create_session("main")
    ...     (pair,) = session.next_pairs("anna").pairs
    ...     label = Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, "anna")
    ...     effect = session.submit_labels([label]).outcomes[0].effect
    ...     individuals = [one.detection_ids for one in session.individuals()]
    >>> added.added, effect.name, individuals
    (3, 'MERGED', [('a', 'b'), ('c',)])
    """
    scorer = FakeScorer()
    parts = FakeEmbedder(), scorer, FakeSampler(scorer), FakeCatalogue(scorer)
    fakes = [part.replies() for part in parts]
    together = {name: reply for one in fakes for name, reply in one.items()} | dict(replies or {})
    with (
        serve_replies(together) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
    ):
        yield spotted


@contextmanager
def local_services(environment: Mapping[str, str]) -> Iterator[Spotted]:
    """A client of the three real services and a store of their own, stopped and deleted at the end.

    environment: settings of the services, e.g. SPOTTED_MODELS, the directory of exported backbones.
    Raises UnavailableError if a service does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="spotted-"))
    try:
        processes.up(directory, port=0, environment=dict(environment))
        with Spotted.local(directory) as spotted:
            yield spotted
    finally:
        processes.down(directory)
        shutil.rmtree(directory)
