"""Surveys to annotate: those of the generator, and stress surveys that break one of its assumptions each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.annotation.surveys import Task, normalised_by_what_is_seen, task
from benchmarks.common import stress_surveys
from benchmarks.common.known_surveys import KnownSurvey, generated

SHAPES = ("leopard102", "hyena109")
PLAIN = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A survey to annotate."""

    shape: str
    """The published survey that it follows."""
    scenario: str
    """The assumption that it breaks; "" for none."""
    share: float
    """Part of the shape's animals and images; 0 for a stress survey, which has a size of its own."""
    seed: int


Subject = tuple[Case, Callable[[], Task]]


def plain(generator: Path, shapes: Sequence[str], seeds: Sequence[int], share: float) -> Iterator[Subject]:
    """Surveys of the generator, made when called."""
    for shape in shapes:
        for seed in seeds:
            make = partial(generated, generator, shape, seed, share=share)
            yield Case(shape, PLAIN, share, seed), partial(_task, make)


def stressed(generator: Path, shapes: Sequence[str], seeds: Sequence[int]) -> Iterator[Subject]:
    """The stress surveys, whose file lies beside the generator; their graphs are made when called."""
    for shape in shapes:
        for seed in seeds:
            for survey in stress_surveys.stressed(generator, shape, seed):
                scenario = survey.name.partition(": ")[2]
                yield Case(shape, scenario, 0.0, seed), partial(_task, partial(_same, survey))


def _same(survey: KnownSurvey) -> KnownSurvey:
    return survey


def _task(make: Callable[[], KnownSurvey]) -> Task:
    survey = make()
    return task(survey.name, replace(survey, gallery=normalised_by_what_is_seen(survey.gallery)))
