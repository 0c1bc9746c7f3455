"""The cost of the scorer's calls compared with their bare minimum: `python -m benchmarks.scorer.service`.

Queries are compared with the bare matrix-vector product, matrices with the bare product of their vectors,
with plain numpy and with a stream of the same bytes made before, growth with the bare product of the new rows
with all. Results go to
out/benchmarks/scorer_service.json; exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles

import grpc
import numpy as np
from grpc import aio
from threadpoolctl import threadpool_limits

from benchmarks.common import report, servers
from benchmarks.common.report import Bar
from benchmarks.common.timing import interleaved
from benchmarks.scorer import ranking
from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.calls import MAX_MESSAGE_BYTES
from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.similarity import single_precision
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import scorer_pb2_grpc, survey_pb2

SURVEY, LARGE, SQUARE, NEW = "benchmark", 50_000, 2000, 1000
DIMENSION = 1280
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b" * 64, preprocessing_digest="p" * 64, dimension=DIMENSION)
BLOCK = 300
WARM_UP = 80
OPTIONS = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]


class ReadyMade(scorer_pb2_grpc.ScorerServiceServicer):
    """Streams blocks that were made before."""

    def __init__(self, blocks: Sequence[pb.GetScoreMatrixResponse]) -> None:
        self._blocks = blocks

    async def GetScoreMatrix(  # noqa: N802 - an rpc
        self, _: pb.GetScoreMatrixRequest, __: object
    ) -> AsyncIterator[pb.GetScoreMatrixResponse]:
        """The blocks."""
        for block in self._blocks:
            yield block


@contextmanager
def ready_made(blocks: Sequence[pb.GetScoreMatrixResponse]) -> Iterator[str]:
    """A server of blocks in a thread of this process; yields its address."""
    started = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, str]] = []

    async def serve() -> None:
        server, stop = aio.server(), asyncio.Event()
        servicer = ReadyMade(blocks)  # type: ignore[abstract] # the one call that is made
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(servicer, server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        running.append((asyncio.get_running_loop(), stop, address))
        started.set()
        await stop.wait()
        await server.stop(None)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    started.wait()
    loop, stop, address = running[0]
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def requests(gallery: Gallery, first: int, end: int) -> Iterator[pb.AddDetectionsRequest]:
    """The messages that add some rows of a gallery, at the positions of its table."""
    for start in range(first, end, BLOCK):
        rows = range(start, min(start + BLOCK, end))
        detections = [
            survey_pb2.Detection(
                detection_id=f"d{row:07}",
                camera_id=_camera(gallery, row),
                captured_at=messages.timestamp(float(gallery.table.time_s[row]) + 1.0),
                side=survey_pb2.SIDE_LEFT,
            )
            for row in rows
        ]
        vectors = messages.tensor(gallery.embeddings[rows[0] : rows[-1] + 1])
        yield pb.AddDetectionsRequest(survey_id=SURVEY, spec=SPEC, detections=detections, embeddings=vectors)


def create(stub: scorer_pb2_grpc.ScorerServiceStub, gallery: Gallery) -> None:
    """Create the survey of a gallery, with a camera at each of its positions."""
    survey = survey_pb2.Survey(
        survey_id=SURVEY,
        start_time=messages.timestamp(0.5),
        end_time=messages.timestamp(gallery.extent.span_s + 2.0),
    )
    stub.CreateSurvey(pb.CreateSurveyRequest(survey=survey))
    positions = {_camera(gallery, row): gallery.table.position_m[row] for row in range(len(gallery))}
    cameras = [
        survey_pb2.Camera(camera_id=i, position=survey_pb2.Position(x_m=x, y_m=y))
        for i, (x, y) in positions.items()
    ]
    stub.UpsertCameras(pb.UpsertCamerasRequest(survey_id=SURVEY, cameras=cameras))


def _camera(gallery: Gallery, row: int) -> str:
    x, y = gallery.table.position_m[row]
    return f"CAM{x:.0f}-{y:.0f}"


def query(gallery: Gallery) -> pb.QueryCandidatesRequest:
    """A detection that is not stored, like the first one that is."""
    asked = survey_pb2.Detection(camera_id=_camera(gallery, 0), captured_at=messages.timestamp(5000.0))
    vector = gallery.embeddings[0].astype(np.float32)
    return pb.QueryCandidatesRequest(
        survey_id=SURVEY, detection=asked, embedding=messages.tensor(vector), spec=SPEC, top_k=TOP_K
    )


def queries(
    stub: scorer_pb2_grpc.ScorerServiceStub, gallery: Gallery, vectors: Float32Array, calls: int
) -> tuple[dict[str, object], list[Bar]]:
    """One detection among all through gRPC, each call compared with one bare matrix-vector product."""
    request, vector = query(gallery), vectors[0].copy()
    with at_once() as parts:
        turns = interleaved(
            pairs=calls,
            # a scorer rounds the vectors of a survey after 64 queries
            warm_up=WARM_UP,
            bare=lambda: parts(lambda rows: vectors[rows] @ vector, len(vectors)),
            call=lambda: stub.QueryCandidates(request),
            empty=lambda: stub.GetSurvey(pb.GetSurveyRequest(survey_id=SURVEY)),
        )
    p99 = {case: quantiles(seconds, n=100)[98] * 1e3 for case, seconds in turns.seconds.items()}
    p50 = {case: median(seconds) * 1e3 for case, seconds in turns.seconds.items()}
    words = f"a query among {len(vectors)} through gRPC"
    return {"p50_ms": p50, "p99_ms": p99}, [
        Bar(f"ms of {words} above its bare product, p50", p50["call"] - p50["bare"], most=3.0),
        Bar(f"{words} less 3 ms over its bare product, p99", (p99["call"] - 3.0) / p99["bare"], most=2.0),
    ]


@contextmanager
def at_once() -> Iterator[Callable[[Callable[[slice], object], int], None]]:
    """Yields a function that does a work for slices of a number of rows, one slice per core.

    BLAS has one thread in each: its own would go on waiting for work on their core after a product, while a
    scorer is measured.
    """
    cores = report.cores()
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores) as pool:

        def parts(work: Callable[[slice], object], count: int) -> None:
            step = -(-count // cores)
            for _ in pool.map(work, [slice(i, i + step) for i in range(0, count, step)]):
                pass

        yield parts


def matrices(
    stub: scorer_pb2_grpc.ScorerServiceStub, gallery: Gallery, square: int, pairs: int
) -> tuple[dict[str, object], list[Bar]]:
    """A square matrix compared with its bare product, with plain numpy and with a stream of its bytes."""
    ids = [f"d{row:07}" for row in range(square)]
    request = pb.GetScoreMatrixRequest(survey_id=SURVEY, row_detection_ids=ids, column_detection_ids=ids)
    blocks = list(stub.GetScoreMatrix(request))
    rows = single_precision(gallery.embeddings[:square])
    # numpy computes only half of a product of one array with itself
    columns, few = rows.copy(), gallery.at(np.arange(square))
    with (
        ready_made(blocks) as address,
        grpc.insecure_channel(address, OPTIONS) as channel,
        at_once() as parts,
    ):
        bare = scorer_pb2_grpc.ScorerServiceStub(channel)
        turns = interleaved(
            pairs=pairs,
            computed=lambda: sum(len(b.scores.content) for b in stub.GetScoreMatrix(request)),
            product=lambda: parts(lambda part: rows[part] @ columns.T, square),
            half_product=lambda: parts(lambda part: rows[part] @ columns[part.start :].T, square),
            plain_numpy=lambda: parts(lambda part: plain(few, rows[part], columns, part), square),
            ready_made=lambda: sum(len(b.scores.content) for b in bare.GetScoreMatrix(request)),
        )
    found: dict[str, object] = {case: turns.median_s(case) * 1e3 for case in turns.seconds}
    ratios = {case: turns.ratio("computed", case) for case in turns.seconds if case != "computed"}
    words = f"a matrix of {square} x {square} through gRPC over its bare product"
    shown = {case: str(ratio) for case, ratio in ratios.items()}
    return {"median_ms": found, "ratios": shown}, [Bar(words, ratios["product"].median, most=1.3)]


def plain(gallery: Gallery, rows: Float32Array, columns: Float32Array, part: slice) -> Float32Array:
    """The fused scores of some rows with all by the formulas of the paper, as one writes them in numpy."""
    visual = np.clip(rows @ columns.T, 0.0, 1.0)
    position, time_s, extent = gallery.table.position_m, gallery.table.time_s, gallery.extent
    distance = np.hypot(*(position[part, None] - position[None]).transpose(2, 0, 1))
    gap = np.abs(time_s[part, None] - time_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        slowness = (distance / extent.distance_m) / (gap / extent.span_s)
    feasibility = np.where(distance == 0, 1.0, np.exp(-slowness)).astype(np.float32)
    return np.asarray(visual * feasibility)


def growth(
    gallery: Gallery, vectors: Float32Array, new: int, pairs: int
) -> tuple[dict[str, object], list[Bar]]:
    """The lists of everyone after new detections, compared with the bare product of the new rows with all."""
    known = len(gallery) - new
    before = CandidateTable.of(Ranker(gallery.first(known)), TOP_K, threads=report.cores())

    def bare() -> None:
        ranking.bare_rows(vectors[known:], vectors)

    def grown() -> None:
        with threadpool_limits(1):
            before.grown(Ranker(gallery), threads=report.cores())

    turns = interleaved(pairs=pairs, bare=bare, grown=grown)
    ratio = turns.ratio("grown", "bare")
    words = f"lists of {known} grown by {new} over the bare product"
    found = {case: turns.median_s(case) for case in turns.seconds}
    return {"median_s": found, "ratio": str(ratio)}, [Bar(words, ratio.median, most=1.5)]


def main() -> int:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scorer.service", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a small survey and few turns; always exits with 0"
    )
    parser.add_argument("--pairs", type=int, default=7, help="number of measured turns")
    arguments = parser.parse_args()
    quick = arguments.quick
    count, square, new, calls = (3000, 300, 100, 20) if quick else (LARGE, SQUARE, NEW, 300)
    gallery = ranking.survey(count, DIMENSION)
    vectors = single_precision(gallery.embeddings)
    with servers.scorer() as serving, grpc.insecure_channel(serving.address, OPTIONS) as channel:
        stub = scorer_pb2_grpc.ScorerServiceStub(channel)
        create(stub, gallery)
        added = stub.AddDetections(requests(gallery, 0, count))
        if added.added != count:
            raise RuntimeError(f"{added.added} of {count} detections were stored: {added.rejected[:1]}")
        asked, bars = queries(stub, gallery, vectors, calls)
        square_found, square_bars = matrices(stub, gallery, square, arguments.pairs)
        resident = serving.resident_mib
    grown, growth_bars = growth(gallery, vectors, new, arguments.pairs)
    results = {
        "detections": count,
        "dimension": DIMENSION,
        "queries": asked,
        "matrix": square_found,
        "growth": grown,
        "scorer_resident_mib": resident,
    }
    bars += [*square_bars, *growth_bars]
    name = "scorer_service-quick" if quick else "scorer_service"
    print(report.write(name, results, bars))
    for part in ("queries", "matrix", "growth"):
        print(part, results[part])
    missed = report.judge(bars)
    return 0 if quick else missed


if __name__ == "__main__":
    sys.exit(main())
