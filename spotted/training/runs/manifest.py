"""The description of a finished training, kept beside its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from spotted.errors import InvalidInputError
from spotted.training.networks import NetworkSpec

FORMAT = 1
# SPDX id of weights whose licence nobody stated
UNSTATED = "NOASSERTION"


@dataclass(frozen=True, slots=True)
class SpeciesMetrics:
    """How well the animals of one species were found again, one against all."""

    species: str
    """"" if unknown."""
    photographs: int
    """Photographs in the test, each compared with all others."""
    individuals: int
    queries: int
    """Photographs that have another one of their animal."""
    top: Mapping[str, float]
    """Share of queries with a photograph of the animal among the best k, by k."""
    mean_average_precision: float


@dataclass(frozen=True, slots=True)
class SessionNames:
    """An annotation session whose individuals were learned from."""

    survey_id: str
    """"" if only a table of names was given."""
    session_id: str
    """Or the name of the file with its names."""
    answers: int
    """Answers that the individuals rest on; 0 if only names were given."""
    answers_sha256: str
    """SHA-256 (hex) of these answers and the names of the detections."""
    left_out: int
    """Detections that were left out in doubt."""


@dataclass(frozen=True, slots=True)
class RunManifest:
    """Network, recipe, data and measures of a training.

    >>> run = RunManifest("leopards", "arcface", NetworkSpec(), recipe={"epochs": 30}, species=("leopard",))
    >>> RunManifest.from_json(run.to_json()) == run
    True
    """

    name: str
    """Name of the run, and of the backbone that it becomes."""
    method: str
    """How it learnt, e.g. arcface."""
    network: NetworkSpec
    dimension: int = 0
    """Elements of a vector."""
    recipe: Mapping[str, object] = field(default_factory=dict)
    """All settings of the training by name."""
    data_sha256: str = ""
    """SHA-256 (hex) of what was learnt from: files, boxes and names."""
    photographs: int = 0
    """Photographs that were learnt from."""
    individuals: int = 0
    """Animals (or flanks) that were learnt from."""
    species: tuple[str, ...] = ()
    """Species of these animals."""
    labels: tuple[str, ...] = ()
    """Names of the classes, in the order of the centers of the loss."""
    label_species: tuple[str, ...] = ()
    """The species of each class."""
    metrics: tuple[SpeciesMetrics, ...] = ()
    """Measures on photographs that were not learnt from."""
    session: SessionNames | None = None
    """The session that the names come from; None if they come from files."""
    start: str = ""
    """Where the first weights came from."""
    start_metrics: tuple[SpeciesMetrics, ...] = ()
    """The same measures before the training."""
    licence: str = UNSTATED
    """SPDX id of the licence of the weights."""
    weights_sha256: str = ""
    """SHA-256 (hex) of the file of the weights."""
    spotted_version: str = ""
    """Version of Spotted that trained it."""

    @property
    def recipe_sha256(self) -> str:
        """SHA-256 (hex) of the recipe, equal for equal settings."""
        text = json.dumps([self.method, asdict(self.network), dict(self.recipe)], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def worse_on(self) -> tuple[str, ...]:
        """Species whose animals are found first no more often than before the training; "" if unknown."""
        before = {one.species: one.top["1"] for one in self.start_metrics}
        return tuple(
            one.species
            for one in self.metrics
            if one.species in before and one.top["1"] <= before[one.species]
        )

    def to_json(self) -> str:
        """The text of a manifest file."""
        return (
            json.dumps({"format": FORMAT, "recipe_sha256": self.recipe_sha256, **asdict(self)}, indent=2)
            + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> RunManifest:
        """Parse the text of a manifest file. Raises InvalidInputError if it is not one of this format."""
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("format") != FORMAT:
                raise InvalidInputError(
                    f"the run was written in another format; this release reads format {FORMAT}",
                    field="format",
                )
            fields.pop("recipe_sha256")
            network = fields.pop("network")
            spec = NetworkSpec(**{**network, "mean": tuple(network["mean"]), "std": tuple(network["std"])})
            for name in ("metrics", "start_metrics"):
                fields[name] = tuple(SpeciesMetrics(**each) for each in fields[name])
            session = fields.pop("session", None)
            fields["session"] = SessionNames(**session) if session else None
            for name in ("species", "labels", "label_species"):
                fields[name] = tuple(fields[name])
            return cls(network=spec, **fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInputError(f"not the description of a run ({error})", field="run") from error
