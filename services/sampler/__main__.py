"""`python -m services.sampler`: builds the sampler and serves it."""

from __future__ import annotations

from grpc import aio

from services.common import process
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store import Store
from services.sampler.asking import Asking
from services.sampler.leases import Leases
from services.sampler.planning import Planner
from services.sampler.scoring import Scorer, ScorerClient
from services.sampler.servicer import SamplerServicer
from services.sampler.sessions import Sessions
from spotted.v1.sampler_pb2_grpc import add_SamplerServiceServicer_to_server


def service(store: Store, scorer: Scorer) -> Service:
    """The sampler over a store and a scorer."""
    leases, planner = Leases(store), Planner(scorer)
    sessions = Sessions(store, scorer, now=process.now)
    servicer = SamplerServicer(sessions, Asking(sessions, planner, leases), planner)

    def register(server: aio.Server) -> None:
        add_SamplerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.SamplerService", register)


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    store, scorer = Store(settings.store_url), ScorerClient(settings.scorer_address)

    def close() -> None:
        scorer.close()
        store.close()

    await serve(settings, [service(store, scorer)], open_store=store.open, close=close)


if __name__ == "__main__":
    process.main("sampler", run)
