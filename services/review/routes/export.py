"""The content of an export, and a guard before one that is not certified."""

from __future__ import annotations

import csv
import io
import shlex

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.errors import NotCertifiedError
from services.review.forms.fields import Body
from services.review.forms.progress import certified
from services.review.routes.questions import SESSION
from services.review.routes.review import Review
from spotted.client.values import Individual, Progress

COLUMNS = ("detection_id", "individual_id", "display_name")
# what spreadsheets take for a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_routes(review: Review) -> list[Route]:
    """The routes of the export."""

    async def summary(request: Request) -> Response:
        """The content of an export, with warnings."""
        session = review.session(request)
        progress = await session.progress()
        individuals = [one async for one in session.individuals()]
        survey, name = (shlex.quote(request.path_params[one]) for one in ("survey", "session"))
        return JSONResponse(
            {
                "certified": certified(progress),
                "warnings": warnings(progress, individuals),
                "detections": sum(len(one.detection_ids) for one in individuals),
                "individuals": len(individuals),
                "singletons": _singletons(individuals),
                "named": sum(bool(one.display_name) for one in individuals),
                "merges_left_at_most": progress.merges_left_at_most,
                "conflicts": progress.conflicts,
                "command": f"spotted export {survey} --output OUT --session {name}",
            }
        )

    async def table(request: Request) -> Response:
        """The individual of every detection. Raises NotCertifiedError."""
        session = review.session(request)
        accepted = Body.of_query(request).flag("accept_uncertified")
        if not accepted and not certified(await session.progress()):
            raise NotCertifiedError(
                "matches may still be missing, so that individuals may be counted twice; keep answering, "
                "or accept that"
            )
        individuals = [one async for one in session.individuals()]
        name = f'attachment; filename="individuals-{_plain(request.path_params["session"])}.csv"'
        return Response(as_csv(individuals), media_type="text/csv", headers={"content-disposition": name})

    return [
        Route(f"{SESSION}/export", summary, methods=["GET"]),
        Route(f"{SESSION}/export.csv", table, methods=["GET"]),
    ]


def warnings(progress: Progress, individuals: list[Individual]) -> list[str]:
    """Warnings before an export."""
    found = []
    if not certified(progress):
        left = progress.merges_left_at_most
        most = "an unknown number of" if left is None else f"up to {left}"
        found.append(
            f"It is not certain that 95 % of the merges are found: {most} individuals may be counted twice."
        )
    if progress.conflicts:
        found.append(f"{progress.conflicts} answers contradict others; resolve the conflicts first.")
    if individuals and _singletons(individuals) > len(individuals) / 2:
        found.append(
            f"{_singletons(individuals)} of {len(individuals)} individuals have one photograph only."
        )
    return found


def as_csv(individuals: list[Individual]) -> str:
    """The table; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    rows = sorted((d, one.individual_id, one.display_name) for one in individuals for d in one.detection_ids)
    writer.writerows([f"'{text}" if text.startswith(FORMULA) else text for text in row] for row in rows)
    return written.getvalue()


def _singletons(individuals: list[Individual]) -> int:
    return sum(len(one.detection_ids) == 1 for one in individuals)


def _plain(text: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_") else "-" for one in text)
