"""`python -m services.sampler`: build the sampler and serve it."""

from __future__ import annotations

from grpc import aio

from services.common import process
from services.common.access.guard import guard_for
from services.common.memory import memory_limit_bytes, plan_memory
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.store import Store
from services.sampler.catalogue.client import CatalogueClient
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork
from services.sampler.scorer_client import ScorerClient
from services.sampler.servicer import SamplerServicer
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from spotted.v1.sampler_pb2_grpc import add_SamplerServiceServicer_to_server

# part of the serving process's budget that is for detections shown with questions
FACTS_PART = 0.25


def service(sessions: Sessions, questions: NextQuestions) -> Service:
    """The sampler's gRPC service over its sessions and questions."""
    servicer = SamplerServicer(sessions, questions)

    def register(server: aio.Server) -> None:
        add_SamplerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.SamplerService", register)


async def run(settings: Settings) -> None:
    """Serve until the process is stopped."""
    process.collect_seldom()
    process.give_back_arrays()
    plan = plan_memory(
        memory_limit_bytes(percent=settings.memory_percent),
        processes=1 + settings.planners,
        wanted_mib=settings.memory_mib,
    )
    process.log_memory(plan)
    facts_bytes = int(FACTS_PART * plan.budget_bytes)
    store = Store(settings.store_url)
    scorer = ScorerClient(settings.scorer_address, settings.security)
    catalogue = CatalogueClient(settings.scorer_address, settings.security)
    sessions = Sessions(
        store,
        scorer,
        now=process.now,
        budget_bytes=plan.budget_bytes - facts_bytes,
        catalogue=catalogue,
    )
    planning = PlannerProcesses(settings.planners, PlanningWork(settings, plan.budget_bytes))
    facts = DetectionFacts(scorer, budget_bytes=facts_bytes)
    questions = NextQuestions(sessions, planning, Leases(store), facts)

    def close() -> None:
        questions.close()
        planning.close()
        scorer.close()
        catalogue.close()
        store.close()

    await serve(
        settings,
        [service(sessions, questions)],
        guard=guard_for(settings, store, answers_bytes=plan.answers_bytes),
        open_store=store.open,
        close=close,
    )


if __name__ == "__main__":
    process.main("sampler", run)
