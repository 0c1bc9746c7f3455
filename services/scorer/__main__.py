"""`python -m services.scorer`: builds the scorer and serves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import joblib
from grpc import aio
from threadpoolctl import threadpool_limits

from services.common import process
from services.common.access.guard import guard_for
from services.common.memory import memory_limit_bytes, plan_memory
from services.common.rpc.turns import Turns
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.vectors import Moving, open_joined, open_vector_blocks
from services.scorer.calibrations import CalibrationStore
from services.scorer.catalogue.catalogues import Catalogues
from services.scorer.catalogue.changes import CatalogueChanges
from services.scorer.catalogue.matcher import CatalogueMatcher
from services.scorer.catalogue.servicer import CatalogueServicer
from services.scorer.local.matchings import Matchings
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.local_scores.methods import MatchingMethods
from services.scorer.scored_surveys import ScoredSurveys
from services.scorer.servicer import ScorerServicer
from services.scorer.surveys import BUDGET_BYTES, Surveys
from spotted.v1.catalogue_pb2_grpc import add_CatalogueServiceServicer_to_server
from spotted.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server

# share of the memory of surveys that is for candidate lists of all their detections
LISTS_SHARE = 0.25
# streams of answers that compute at the same time, each on all cores
STREAMS_AT_ONCE = 2


def service(
    store: Store,
    *,
    budget_bytes: int = BUDGET_BYTES,
    threads: int = 2,
    models: Path | None = None,
    device: str = "cpu",
    grown: Callable[[str, int], None] = lambda *_: None,
) -> Service:
    """The scorer and the catalogue over a store.

    budget_bytes: approximate memory for surveys. threads: number of threads to rank with. models: directory
    of the networks that match local features. device: see `ScoredSurveys`. grown: see `Surveys`.
    """
    lists_bytes = int(LISTS_SHARE * budget_bytes)
    heads, calibrations = HeadStore(store), CalibrationStore(store, now=process.now)
    surveys_bytes = budget_bytes - lists_bytes
    surveys = Surveys(store, heads, now=process.now, budget_bytes=surveys_bytes, grown=grown)
    matched = MatchedSurveys(store, surveys.snapshot, MatchingMethods(models))
    scored = ScoredSurveys(
        surveys,
        heads,
        calibrations,
        matched=matched,
        lists_bytes=lists_bytes,
        threads=threads,
        device=device,
    )
    matchings = Matchings(store, surveys, scored, matched, threads=threads)
    catalogues, turns = Catalogues(store, process.now), Turns(STREAMS_AT_ONCE)
    changes = CatalogueChanges(catalogues, surveys)
    scorer = ScorerServicer(surveys, scored, calibrations, changes, turns, matchings)
    catalogue = CatalogueServicer(catalogues, changes, CatalogueMatcher(catalogues, surveys, scored), turns)

    def register(server: aio.Server) -> None:
        add_ScorerServiceServicer_to_server(scorer, server)
        add_CatalogueServiceServicer_to_server(catalogue, server)

    return Service("spotted.v1.ScorerService", register, further=("spotted.v1.CatalogueService",))


async def run(settings: Settings) -> None:
    """Serve until stopped by a signal."""
    process.give_back_arrays()
    plan = plan_memory(memory_limit_bytes(percent=settings.memory_percent), wanted_mib=settings.memory_mib)
    process.log_memory(plan)
    blocks = open_vector_blocks(settings.vector_blocks, settings.object_store_settings)
    store = Store(settings.store_url, blocks=blocks)
    moving = Moving(store, blocks) if blocks else None
    threads = settings.workers or joblib.cpu_count()
    grown = moving.grown if moving else lambda *_: None
    scorer = service(
        store,
        budget_bytes=plan.budget_bytes,
        threads=threads,
        models=settings.models,
        device=settings.scorer_device,
        grown=grown,
    )
    # ranking computes several blocks at once, each in one thread, including the passes over it
    threadpool_limits(1, user_api="blas")
    guard = guard_for(settings, store, answers_bytes=plan.answers_bytes)

    def open_store() -> None:
        open_joined(store, blocks)
        if moving:
            moving.start()

    def close() -> None:
        if moving:
            moving.stop()
        store.close()

    await serve(settings, [scorer], guard=guard, open_store=open_store, close=close)


if __name__ == "__main__":
    process.main("scorer", run)
