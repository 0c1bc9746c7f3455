"""`python -m services.sampler`: builds the sampler and serves it."""

from __future__ import annotations

from grpc import aio

from services.common import process
from services.common.access.guard import guard_for
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.store import Store
from services.sampler.questions.detection_facts import Facts
from services.sampler.questions.next_questions import Asking
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork
from services.sampler.scorer_client import ScorerClient
from services.sampler.servicer import SamplerServicer
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from spotted.v1.sampler_pb2_grpc import add_SamplerServiceServicer_to_server


def service(sessions: Sessions, asking: Asking) -> Service:
    """The sampler over sessions and what is asked of them."""
    servicer = SamplerServicer(sessions, asking)

    def register(server: aio.Server) -> None:
        add_SamplerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.SamplerService", register)


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    process.collect_seldom()
    store = Store(settings.store_url)
    scorer = ScorerClient(settings.scorer_address, settings.security)
    sessions = Sessions(store, scorer, now=process.now, budget_bytes=settings.memory_bytes)
    planning = PlannerProcesses(settings.planners, PlanningWork(settings))
    asking = Asking(sessions, planning, Leases(store), Facts(scorer))

    def close() -> None:
        asking.close()
        planning.close()
        scorer.close()
        store.close()

    await serve(
        settings,
        [service(sessions, asking)],
        guard=guard_for(settings, store),
        open_store=store.open,
        close=close,
    )


if __name__ == "__main__":
    process.main("sampler", run)
