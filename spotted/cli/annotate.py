"""`spotted annotate`: answer the questions of a session, in person or by an oracle."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.question_text import ask, tell
from spotted.cli.session import print_progress, progress_document
from spotted.client import Spotted, oracle
from spotted.console import data_option, err, json_option, progress, session_option, show, with_unit
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2

STRATEGIES = ("learned", "confspal", "spal", "mean-linkage", "greedy", "greedy-visual", "random")
DEFAULT_STRATEGY = STRATEGIES[0]
TRUSTS = {"single": sampler_pb2.TRUST_SINGLE, "verified": sampler_pb2.TRUST_VERIFIED}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which questions of which session are wanted, and by whom they are answered."""

    survey_id: str
    session_id: str
    annotator_id: str
    shows: Sequence[sampler_pb2.QuestionKind.ValueType]
    audit: bool
    limit: int | None


@click.command()
@click.argument("survey")
@session_option
@data_option
@json_option
@click.option("--annotator", default=getpass.getuser, show_default="your login", help="Annotator id.")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    show_default=DEFAULT_STRATEGY,
    help="Strategy that selects the questions.",
)
@click.option(
    "--trust",
    type=click.Choice(list(TRUSTS)),
    help="single: one answer decides; verified: answers are evidence and get checked. Default: single until "
    "a second annotator answers, then verified.",
)
@click.option("--bursts", is_flag=True, help="Ask about all frames of a burst at once.")
@click.option("--galleries", is_flag=True, help="Ask about one photograph against several candidates.")
@click.option("--audit", is_flag=True, help="Ask random open pairs, to bound how many matches are missed.")
@click.option("--retrain", is_flag=True, help="Retrain the scores on the answers (confspal, spal).")
@click.option(
    "--seed",
    type=int,
    show_default="0",
    help="Random seed; the same seed and answers give the same questions.",
)
@click.option("--oracle", "by_oracle", is_flag=True, help="Answer from the known identities of the survey.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of questions.")
def annotate(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    annotator: str,
    strategy: str | None,
    trust: str | None,
    bursts: bool,
    galleries: bool,
    audit: bool,
    retrain: bool,
    seed: int | None,
    by_oracle: bool,
    limit: int | None,
) -> None:
    """Answer "the same animal?" for one pair of photographs after another.

    Each answer is stored on disk before the next question. Pairs implied by earlier answers are never asked.
    Stop at any time with q; the next `spotted annotate SURVEY` continues the session with its strategy and
    trust.
    """
    if audit and (bursts or galleries):
        raise click.UsageError("--audit asks only pairs; leave out --bursts and --galleries")
    kinds = {sampler_pb2.QUESTION_KIND_BURST: bursts, sampler_pb2.QUESTION_KIND_GALLERY: galleries}
    wanted = Asked(survey, session_id, annotator, [k for k, on in kinds.items() if on], audit, limit)
    with connect(directory) as spotted:
        _open(spotted, wanted, strategy, trust, seed, retrain=retrain)
        given = _ask_oracle(spotted, wanted) if by_oracle else _ask_person(spotted, wanted)
        state = spotted.progress(survey, session_id)

    def text() -> None:
        click.echo(f"{with_unit(given, 'question')} answered.")
        print_progress(state)

    show({"answers_given": given} | progress_document(state), as_json=as_json, text=text)


def _open(
    spotted: Spotted,
    wanted: Asked,
    strategy: str | None,
    trust: str | None,
    seed: int | None,
    *,
    retrain: bool,
) -> None:
    """Open the session; an existing one is continued if no option asks for another."""
    if strategy is None and trust is None and seed is None and not retrain:
        try:
            spotted.session(wanted.survey_id, wanted.session_id)
        except NotFoundError:
            # created below with the defaults
            pass
        else:
            return
    spotted.create_session(
        wanted.survey_id,
        wanted.session_id,
        strategy=strategy or DEFAULT_STRATEGY,
        trust=TRUSTS[trust] if trust else None,
        seed=seed or 0,
        retrain=retrain,
    )


def _ask_oracle(spotted: Spotted, wanted: Asked) -> int:
    known = oracle.truth(spotted, wanted.survey_id)
    with progress("questions", wanted.limit) as advance:
        return oracle.answer_all(
            spotted,
            wanted.survey_id,
            wanted.session_id,
            known,
            shows=wanted.shows,
            audit=wanted.audit,
            limit=wanted.limit,
            told=lambda _: advance(1),
        )


def _ask_person(spotted: Spotted, wanted: Asked) -> int:
    ids = wanted.survey_id, wanted.session_id
    given = 0
    while wanted.limit is None or given < wanted.limit:
        asked = spotted.next_pairs(*ids, wanted.annotator_id, shows=wanted.shows, audit=wanted.audit)
        if not asked.pairs and not asked.groups:
            words = (
                "All questions are answered."
                if asked.finished
                else "All open questions are assigned to other annotators."
            )
            err.print(words)
            break
        said = ask(asked, given + 1, wanted.annotator_id)
        if said is None:
            break
        tell(spotted.submit_labels(*ids, said.labels, bursts=said.bursts).outcomes)
        given += 1
    return given
