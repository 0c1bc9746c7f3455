"""`spotted annotate`: a person, or an oracle, answers a session's questions."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from spotted import messages, oracle
from spotted.cli.console import data_option, err, json_option, progress, session_option, show
from spotted.client import Spotted
from spotted.v1 import sampler_pb2, survey_pb2

ANSWERS = {
    "s": sampler_pb2.ANSWER_SAME,
    "d": sampler_pb2.ANSWER_DIFFERENT,
    "n": sampler_pb2.ANSWER_NOT_COMPARABLE,
    "k": sampler_pb2.ANSWER_SKIP,
}
QUIT = "q"
SECONDS_PER_HOUR = 3600.0


@click.command()
@click.argument("survey")
@session_option
@data_option
@json_option
@click.option("--annotator", default=getpass.getuser, show_default="your login", help="Who answers.")
@click.option(
    "--strategy",
    default="confspal",
    show_default=True,
    help="confspal, spal, greedy, greedy-visual or random.",
)
@click.option("--retrain", is_flag=True, help="Relearn the scores from the answers (confspal, spal).")
@click.option("--seed", default=0, show_default=True, help="Equal seeds and answers give equal questions.")
@click.option("--oracle", "by_oracle", is_flag=True, help="Answer from the identities that the survey knows.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after as many answers.")
def annotate(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    annotator: str,
    strategy: str,
    retrain: bool,
    seed: int,
    by_oracle: bool,
    limit: int | None,
) -> None:
    """Answer "the same animal?" for one pair of photographs after another.

    Each answer is on disk before the next question. What follows from earlier answers is never asked. Stop
    at any time with q; the next `spotted annotate SURVEY` goes on.
    """
    with Spotted.local(directory) as spotted:
        spotted.create_session(survey, session_id, strategy=strategy, seed=seed, retrain=retrain)
        if by_oracle:
            given = _ask_oracle(spotted, survey, session_id, limit)
        else:
            given = _ask_person(spotted, survey, session_id, annotator, limit)
        state = spotted.progress(survey, session_id)
    document: dict[str, object] = {
        "answers_given": given,
        "individuals": state.individuals,
        "same_pairs": state.same_pairs,
        "open_pairs": state.open_pairs,
        "conflicts": state.conflicts,
    }
    show(document, as_json=as_json, text=lambda: click.echo(f"{given} answers given. {state.summary}"))


def _ask_oracle(spotted: Spotted, survey: str, session_id: str, limit: int | None) -> int:
    known = oracle.truth(spotted, survey)
    with progress("answers", limit) as advance:
        return oracle.answer_all(
            spotted, survey, session_id, known, limit=limit, told=lambda _, __: advance(1)
        )


def _ask_person(spotted: Spotted, survey: str, session_id: str, annotator: str, limit: int | None) -> int:
    given = 0
    while limit is None or given < limit:
        asked = spotted.next_pairs(survey, session_id, annotator)
        if not asked.pairs:
            words = "Every question is answered." if asked.finished else "All open questions are with others."
            err.print(words)
            break
        pair = asked.pairs[0]
        click.echo(describe(pair, given + 1))
        word = click.prompt(
            "same (s), different (d), not comparable (n), skip (k), quit (q)",
            type=click.Choice([*ANSWERS, QUIT]),
            show_choices=False,
            err=True,
        )
        if word == QUIT:
            break
        label = sampler_pb2.Label(
            first_detection_id=pair.first.detection_id,
            second_detection_id=pair.second.detection_id,
            answer=ANSWERS[word],
            annotator_id=annotator,
        )
        outcome = spotted.submit_labels(survey, session_id, [label]).outcomes[0]
        given += 1
        if outcome.HasField("conflict"):
            err.print(f"kept as a conflict: {outcome.conflict.message}", markup=False, soft_wrap=True)
    return given


def describe(pair: sampler_pb2.PairQuery, number: int) -> str:
    """A question in words: both photographs, cameras and times, the journey between them, the reason."""
    lines = [f"\nQuestion {number}: {pair.reason}"]
    lines += [_describe_detection(d) for d in (pair.first, pair.second)]
    if pair.HasField("distance_m") and pair.HasField("gap_s"):
        journey = f"{pair.distance_m / 1000:.1f} km apart within {_duration(pair.gap_s)}"
        needed = f", needs {pair.needed_speed_kmh:.1f} km/h" if pair.HasField("needed_speed_kmh") else ""
        lines.append(f"  {journey}{needed}")
    else:
        lines.append("  distance or time unknown")
    return "\n".join(lines)


def _describe_detection(detection: survey_pb2.Detection) -> str:
    when = "time unknown"
    if detection.HasField("captured_at"):
        instant = datetime.fromtimestamp(messages.seconds(detection.captured_at), tz=UTC)
        when = instant.strftime("%Y-%m-%d %H:%M:%S UTC")
    where = f"camera {detection.camera_id}" if detection.camera_id else "camera unknown"
    image = detection.image_uri or "no image"
    return f"  {detection.detection_id}: {image}\n    {where}, {when}"


def _duration(seconds: float) -> str:
    hours = seconds / SECONDS_PER_HOUR
    if hours < 1:
        return f"{seconds / 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"  # noqa: PLR2004 - two days
