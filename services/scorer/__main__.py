"""`python -m services.scorer`: builds the scorer and serves it."""

from __future__ import annotations

from grpc import aio

from services.common import process
from services.common.heads import HeadStore
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store import Store
from services.scorer.servicer import ScorerServicer
from services.scorer.surveys import Surveys
from spotted.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server


def service(store: Store) -> Service:
    """The scorer over a store."""
    servicer = ScorerServicer(Surveys(store, HeadStore(store), now=process.now))

    def register(server: aio.Server) -> None:
        add_ScorerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.ScorerService", register)


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    store = Store(settings.store_url)
    await serve(settings, [service(store)], open_store=store.open, close=store.close)


if __name__ == "__main__":
    process.main("scorer", run)
