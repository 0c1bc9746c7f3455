"""The work of a training: a recipe for places and times, or known individuals; and both as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from spotted.heads.head import HeadRecipe


@dataclass(frozen=True, slots=True)
class NamedHead:
    """A head from known individuals."""

    names: Mapping[str, str] = field(default_factory=dict)
    """The individual of each detection that is named."""
    use_known_individuals: bool = False
    """Whether the individual ids of other detections count too."""


Job: TypeAlias = HeadRecipe | NamedHead


def job_json(job: Job) -> str:
    """A job as JSON, which the process of a training reads."""
    return json.dumps({type(job).__name__: asdict(job)})


def read_job(text: str) -> Job:
    """The job of a text that `job_json` wrote."""
    ((kind, values),) = json.loads(text).items()
    return NamedHead(**values) if kind == NamedHead.__name__ else HeadRecipe(**values)
