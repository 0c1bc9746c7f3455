"""A backbone from photographs of known individuals: `spotted train` as a function.

The photographs are divided, cropped once, learnt from and tested, and the result is a run. A training that
was interrupted goes on from its last checkpoint when it is called with the same arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from spotted.arrays import ByteArray, IntArray
from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.training.evaluation.one_vs_all import measure_by_species
from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.batches import Examples, TrainingData
from spotted.training.images.crops import PreparedCrops, prepare_crops
from spotted.training.loop.checkpoints import CHECKPOINT_FILE
from spotted.training.loop.processes import Processes, joined
from spotted.training.loop.records import Records
from spotted.training.loop.trainer import Step, run_loop
from spotted.training.losses.arcface import ArcFaceObjective, dynamic_margins
from spotted.training.losses.centers import adopt_centers
from spotted.training.networks import EmbeddingNetwork, NetworkSpec
from spotted.training.photographs.labels import Labels, label_photographs
from spotted.training.photographs.photograph import Photograph
from spotted.training.photographs.splits import split_photographs
from spotted.training.recipes import Recipe
from spotted.training.runs.doubtful import find_doubtful, write_doubtful
from spotted.training.runs.folder import is_run, load_centers, write_run
from spotted.training.runs.manifest import UNSTATED, RunManifest, SessionNames, SpeciesMetrics
from spotted.training.starts import Start, start_network

CROPS_FILE = "crops.npy"
FROZEN_FOLDER = "frozen"
FEWEST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Functions that are called while a training goes on."""

    on_crops: Callable[[int], None] = lambda _: None
    """Called with the number of crops prepared since the last call."""
    on_step: Callable[[Step], None] = lambda _: None
    """Called after each step."""


@dataclass(frozen=True, slots=True)
class _Material:
    """Crops of the photographs with their classes, and the rows to train and to test with."""

    photographs: Sequence[Photograph]
    labels: Labels
    crops: ByteArray
    train: IntArray
    test: IntArray

    @property
    def classes(self) -> IntArray:
        """The classes in training, in ascending order."""
        return np.unique(self.labels.of[self.train])

    def measure(
        self, network: EmbeddingNetwork, spec: NetworkSpec, device: str
    ) -> tuple[SpeciesMetrics, ...]:
        """Measures of a network on the test."""
        if not len(self.test):
            return ()
        vectors = embed_crops(network, self.crops[self.test], spec, device=device)
        return measure_by_species(vectors, self.labels, self.test.tolist())

    def digest(self) -> str:
        """SHA-256 (hex) of what is learnt from: crops, and their classes by species and name."""
        digest = hashlib.sha256()
        for row in self.train.tolist():
            digest.update(np.ascontiguousarray(self.crops[row]).tobytes())
            label = self.labels.of[row]
            digest.update(repr((self.labels.species[label], self.labels.names[label])).encode())
        return digest.hexdigest()


def train_backbone(
    photographs: Sequence[Photograph],
    recipe: Recipe,
    folder: Path,
    *,
    name: str = "",
    licence: str = UNSTATED,
    session: SessionNames | None = None,
    progress: Progress | None = None,
) -> RunManifest:
    """Train a backbone on known individuals; the description of the run that is written into `folder`.

    name: of the run; by default that of the folder. session: the session that the names come from, if any.
    Raises AlreadyExistsError if the folder holds a finished run, InvalidInputError if there are too few
    photographs, and the errors of `start_network` and `run_loop`.
    """
    if is_run(folder):
        raise AlreadyExistsError(f"{folder} holds a finished training; give another folder")
    progress = progress or Progress()
    with joined(recipe.loop.device) as (processes, device):
        start = start_network(recipe.network, recipe.start, seed=recipe.loop.seed)
        material = _prepare(photographs, recipe, start.spec, folder, processes, progress)
        own = str(device)
        before = material.measure(start.network, start.spec, own) if processes.is_first else ()
        objective = _objective(material, recipe, start)
        trained = _learn(objective, material, recipe, start.spec, folder, progress, processes)
        run = RunManifest(
            name=name,
            method="arcface",
            network=start.spec,
            recipe=recipe.settings(),
            data_sha256=material.digest(),
            photographs=len(material.train),
            individuals=len(material.classes),
            species=tuple(sorted({material.labels.species[label] for label in material.classes})),
            labels=tuple(material.labels.names[label] for label in material.classes),
            label_species=tuple(material.labels.species[label] for label in material.classes),
            session=session,
            start=start.described,
            start_metrics=before,
            licence=licence,
        )
        if processes.is_first:
            run = replace(run, metrics=material.measure(trained, start.spec, own))
            run = write_run(folder, run, trained, centers=objective.criterion.centers)
            _report_doubtful(material, trained, objective, start.spec, folder, own)
            _clear(folder)
        processes.wait()
        return run


def _prepare(
    photographs: Sequence[Photograph],
    recipe: Recipe,
    spec: NetworkSpec,
    folder: Path,
    processes: Processes,
    progress: Progress,
) -> _Material:
    labels = label_photographs(photographs, flanks_apart=recipe.flanks_apart)
    split = split_photographs(photographs, labels, recipe.split)
    if len(np.unique(labels.of[split.train])) < FEWEST_CLASSES:
        raise InvalidInputError(
            f"of {len(photographs)} photographs of {len(labels.names)} animals, {len(split.train)} can be "
            f"trained with; at least two animals need {recipe.split.least_in_training} photographs each",
            field="photographs",
        )
    prepared = _crops(photographs, spec, folder, processes, progress)
    sound = np.array([row not in prepared.failed for row in range(len(photographs))])
    train, test = split.train[sound[split.train]], split.test[sound[split.test]]
    return _Material(photographs, labels, prepared.crops, train, test)


def _crops(
    photographs: Sequence[Photograph],
    spec: NetworkSpec,
    folder: Path,
    processes: Processes,
    progress: Progress,
) -> PreparedCrops:
    """The crops, which the first process prepares for all."""
    path = folder / CROPS_FILE
    if processes.is_first:
        prepare_crops(photographs, spec.image_size, path, on_progress=progress.on_crops)
    processes.wait()
    return prepare_crops(photographs, spec.image_size, path)


def _objective(material: _Material, recipe: Recipe, start: Start) -> ArcFaceObjective:
    classes, counts = np.unique(material.labels.of[material.train], return_counts=True)
    margins = dynamic_margins(counts, least=recipe.least_margin, largest=recipe.largest_margin)
    torch.manual_seed(recipe.loop.seed)
    objective = ArcFaceObjective(
        start.network, margins=margins, sub_centers=recipe.sub_centers, scale=recipe.scale
    )
    known = load_centers(Path(recipe.start)) if start.run else None
    if start.run and known is not None:
        labels, run = material.labels, start.run
        own = [(labels.species[label], labels.names[label]) for label in classes]
        adopt_centers(objective.criterion, own, known, list(zip(run.label_species, run.labels, strict=True)))
    return objective


def _learn(
    objective: ArcFaceObjective,
    material: _Material,
    recipe: Recipe,
    spec: NetworkSpec,
    folder: Path,
    progress: Progress,
    processes: Processes,
) -> EmbeddingNetwork:
    """The trained network, first with only the centers learning if the recipe says so."""
    rows = material.train[:, None]
    labels = np.searchsorted(material.classes, material.labels.of[material.train])
    data = TrainingData(material.crops, Examples(rows, labels), [recipe.augmentation])
    if recipe.frozen_epochs:
        objective.set_frozen(frozen=True)
        frozen = replace(recipe.loop, epochs=recipe.frozen_epochs)
        (folder / FROZEN_FOLDER).mkdir(parents=True, exist_ok=True)
        run_loop(
            objective,
            data,
            spec,
            recipe.schedule,
            frozen,
            folder=folder / FROZEN_FOLDER,
            on_step=progress.on_step,
        )
        objective.set_frozen(frozen=False)
    records = Records(folder) if processes.is_first else None

    def on_step(step: Step) -> None:
        if records:
            records.add(step)
        progress.on_step(step)

    trained = run_loop(objective, data, spec, recipe.schedule, recipe.loop, folder=folder, on_step=on_step)
    if records:
        records.close()
    return trained.eval()


def _report_doubtful(
    material: _Material,
    network: EmbeddingNetwork,
    objective: ArcFaceObjective,
    spec: NetworkSpec,
    folder: Path,
    device: str,
) -> None:
    """Write which photographs of the training may have a wrong name."""
    vectors = embed_crops(network, material.crops[material.train], spec, device=device)
    labels = np.searchsorted(material.classes, material.labels.of[material.train])
    doubtful = find_doubtful(vectors, labels, objective.criterion.centers.detach().cpu())
    write_doubtful(folder, [(material.photographs[material.train[row]], angle) for row, angle in doubtful])


def _clear(folder: Path) -> None:
    """Remove what only a training that goes on needs."""
    for path in (*folder.glob(f"{CROPS_FILE}*"), folder / CHECKPOINT_FILE):
        path.unlink(missing_ok=True)
    (folder / FROZEN_FOLDER / CHECKPOINT_FILE).unlink(missing_ok=True)
    if (folder / FROZEN_FOLDER).is_dir():
        (folder / FROZEN_FOLDER).rmdir()
