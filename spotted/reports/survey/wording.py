"""The finding of a survey, its certainty and the next step as sentences."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.evaluation.retrieval import ANSWERS_PER_MINUTE
from spotted.reports.survey.facts import SessionState, SurveyFacts
from spotted.survey import Side

MINUTES_PER_HOUR = 60.0
# the session that commands use without an option
DEFAULT_SESSION = "main"


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next."""

    text: str
    command: str
    """The command that does it."""


def finding(facts: SurveyFacts) -> str:
    """The finding in one sentence.

    >>> from spotted.survey import Detection
    >>> finding(SurveyFacts("ridge", cameras=[], detections=[Detection("a", "A1"), Detection("b", "A2")]))
    'There are 2 photographs of animals from 2 cameras, and nobody has compared them yet.'
    """
    if not facts.detections:
        return "No photograph of an animal is stored yet."
    seen = counted(len(facts.detections), "photograph")
    cameras = counted(len({d.camera_id for d in facts.detections if d.camera_id}), "camera")
    if not facts.compared:
        are = "is" if len(facts.detections) == 1 else "are"
        return f"There {are} {seen} of animals from {cameras}, and nobody has compared them yet."
    again = facts.seen_again()
    both = sum(one.both_flanks for one in again)
    animals, verb = _animals(facts)
    return (
        f"{animals} {verb} seen in {seen} from {cameras}; {len(again)} more than once, "
        f"{both} from both flanks."
    )


def certainty(facts: SurveyFacts) -> list[str]:
    """How far the number of individuals can be relied on."""
    state = facts.session
    if state is None or not facts.compared:
        return []
    said = [_reached(state)]
    if not state.finished and state.merges_left_at_most:
        said.append(
            f"Up to {state.merges_left_at_most} of the {len(facts.individuals)} individuals may be an animal "
            "that is counted already, with 95 % confidence if every answer is right."
        )
    if not state.finished and (left := _time_left(state)):
        said.append(left)
    if state.pending:
        waits = "waits" if state.pending == 1 else "wait"
        said.append(f"{counted(state.pending, 'decision')} {waits} for another answer.")
    if flanks := _flanks(facts):
        said.append(flanks)
    return said


def next_steps(facts: SurveyFacts) -> list[Step]:
    """The next things to do, the first one first."""
    survey, state = facts.survey_id, facts.session
    if not facts.detections:
        return [
            Step(
                "Turn the photographs into vectors, so that they can be compared.", f"spotted embed {survey}"
            )
        ]
    chosen = "" if state is None or state.session_id == DEFAULT_SESSION else f" --session {state.session_id}"
    if state is None or not facts.compared:
        answer = Step("Answer the first questions.", f"spotted review {survey}{chosen}")
        others = [
            Step(f"Another session exists: report on {one}.", f"spotted report {survey} --session {one}")
            for one in facts.other_sessions
        ]
        return [answer, *others]
    steps = []
    if state.conflicts:
        count = counted(len(state.conflicts), "contradiction")
        steps.append(Step(f"Settle {count} on the page Conflicts.", f"spotted review {survey}{chosen}"))
    if state.finished:
        steps.append(
            Step("Write the individuals into your files.", f"spotted export {survey}{chosen} -o OUT")
        )
    else:
        steps.append(Step("Go on answering.", f"spotted review {survey}{chosen}"))
    return steps


def counted(count: int, noun: str) -> str:
    """A count and its noun.

    >>> counted(1, "camera"), counted(3, "camera")
    ('1 camera', '3 cameras')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _animals(facts: SurveyFacts) -> tuple[str, str]:
    """The number of animals, a range while merges may be missing, and the verb for it."""
    most, state = len(facts.individuals), facts.session
    left = 0 if state is None or state.finished else state.merges_left_at_most or 0
    if left:
        return f"Between {max(most - left, 1)} and {most} individuals", "were"
    return counted(most, "individual"), "was" if most == 1 else "were"


def _reached(state: SessionState) -> str:
    if state.certain_share:
        return f"At least {100 * state.certain_share:.0f} % of all merges are known, with 95 % confidence" + (
            "." if state.finished else ": not enough to count the animals."
        )
    if state.finished:
        return "Every question was answered: the individuals can be counted."
    return "The number of individuals is not certain yet."


def _time_left(state: SessionState) -> str:
    """The questions and minutes that are left; "" without an estimate."""
    if state.questions_left is None:
        return ""
    questions = max(round(state.questions_left), 1)
    rate = state.answers_per_minute or ANSWERS_PER_MINUTE
    minutes = questions / rate
    long = minutes >= MINUTES_PER_HOUR
    time = f"{minutes / MINUTES_PER_HOUR:.1f} hours" if long else counted(max(round(minutes), 1), "minute")
    return (
        f"About {counted(questions, 'more question')}, {time} at {rate:.1f} answers a minute (an estimate)."
    )


def _flanks(facts: SurveyFacts) -> str:
    """A note on animals that may be counted once for each flank; "" if there can be none."""
    left, right = (
        sum(side in one.sides and other not in one.sides for one in facts.individuals)
        for side, other in ((Side.LEFT, Side.RIGHT), (Side.RIGHT, Side.LEFT))
    )
    if not left or not right:
        return ""
    pairs = min(left, right)
    may = "1 animal may be counted" if pairs == 1 else f"{pairs} animals may be counted"
    return (
        f"{counted(left, 'individual')} showed only the left flank and {right} only the right: up to {may} "
        "once for each flank. Photographs of both flanks at one time would tell."
    )
