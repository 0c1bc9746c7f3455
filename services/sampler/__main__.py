"""`python -m services.sampler`: build the sampler and serve it."""

from __future__ import annotations

from grpc import aio

from services.common import process
from services.common.access.guard import guard_for
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.store import Store
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork
from services.sampler.scorer_client import ScorerClient
from services.sampler.servicer import SamplerServicer
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from spotted.v1.sampler_pb2_grpc import add_SamplerServiceServicer_to_server


def service(sessions: Sessions, questions: NextQuestions) -> Service:
    """The sampler's gRPC service over its sessions and questions."""
    servicer = SamplerServicer(sessions, questions)

    def register(server: aio.Server) -> None:
        add_SamplerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.SamplerService", register)


async def run(settings: Settings) -> None:
    """Serve until the process is stopped."""
    process.collect_seldom()
    store = Store(settings.store_url)
    scorer = ScorerClient(settings.scorer_address, settings.security)
    sessions = Sessions(store, scorer, now=process.now, budget_bytes=settings.memory_bytes)
    planning = PlannerProcesses(settings.planners, PlanningWork(settings))
    questions = NextQuestions(sessions, planning, Leases(store), DetectionFacts(scorer))

    def close() -> None:
        questions.close()
        planning.close()
        scorer.close()
        store.close()

    await serve(
        settings,
        [service(sessions, questions)],
        guard=guard_for(settings, store),
        open_store=store.open,
        close=close,
    )


if __name__ == "__main__":
    process.main("sampler", run)
