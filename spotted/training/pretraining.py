"""A backbone from photographs without names, or with names to compare with: `spotted pretrain` as a function.

Photographs of individuals to test with are held out, all of them, so that what is measured are animals that
training never saw. A training that was interrupted goes on from its last checkpoint when it is called with
the same arguments.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from spotted.arrays import BoolArray, ByteArray, IntArray
from spotted.errors import AlreadyExistsError, PreconditionError
from spotted.training.evaluation.one_vs_all import measure_by_species
from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.augmentation import Augmentation, SmallCrop, View, small_size
from spotted.training.images.batches import Examples, TrainingData
from spotted.training.images.crops import prepare_crops
from spotted.training.loop.checkpoints import CHECKPOINT_FILE
from spotted.training.loop.processes import joined
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import run_loop
from spotted.training.methods.by_name import build_objective
from spotted.training.methods.examples import ViewKind, self_supervised_examples, supervised_examples
from spotted.training.methods.names import find_method
from spotted.training.networks import EmbeddingNetwork, NetworkSpec, for_any_size
from spotted.training.pairs.temporal import TemporalPairs
from spotted.training.photographs.labels import Labels, label_photographs
from spotted.training.photographs.photograph import Photograph
from spotted.training.recipes import flatten_settings
from spotted.training.runs.folder import is_run, write_run
from spotted.training.runs.manifest import UNSTATED, RunManifest, SpeciesMetrics
from spotted.training.schedules import WarmupCosine
from spotted.training.starts import RANDOM, Start, start_network
from spotted.training.supervised import CROPS_FILE, Progress

VIT_TINY = NetworkSpec("vit_tiny_patch16_224", image_size=224, pooling="default", batch_norm=False)
DEFAULT_LOOP = LoopSettings(epochs=100, batch_size=128, optimiser="adamw", weight_decay=0.05)


@dataclass(frozen=True, slots=True)
class PretrainRecipe:
    """How a backbone is pretrained.

    >>> PretrainRecipe("dino", knobs={"outputs": 4096}).loop.epochs
    100
    """

    method: str = "simclr"
    """One of `METHODS`."""
    network: NetworkSpec = VIT_TINY
    start: str = RANDOM
    """random, imagenet, or the path of a run or a checkpoint (see `spotted.training.starts`)."""
    views: ViewKind = "pairs"
    """Examples of self-supervised methods: temporal pairs, changed copies of one photograph, or both."""
    knobs: Mapping[str, float] = field(default_factory=dict)
    """Settings of the method that differ from its defaults."""
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(geometry=0.8, colour=0.8))
    """How the views of a photograph are changed."""
    small_crops: int = 8
    """DINO: views that are small parts of the photographs, beside the two of the method; 0: none."""
    rate: float = 5e-4
    """Learning rate after the warm-up; it then falls along half a wave of a cosine."""
    warm_up_share: float = 0.1
    """Share of the epochs over which the rate rises from 0."""
    loop: LoopSettings = DEFAULT_LOOP
    flanks_apart: tuple[str, ...] = ()
    """Species whose flanks are different individuals; "*" for all."""
    test_share: float = 0.2
    """Share of the known individuals to test with."""

    @property
    def schedule(self) -> WarmupCosine:
        """The learning rate by epoch."""
        return WarmupCosine(self.rate, self.loop.epochs, self.warm_up_share * self.loop.epochs)

    def settings(self) -> dict[str, object]:
        """All settings by name, except those of the network, which a run has apart."""
        settings = dict(flatten_settings(asdict(self)))
        return {
            name: value
            for name, value in settings.items()
            if name != "method" and not name.startswith("network.")
        }


@dataclass(frozen=True, slots=True)
class _Material:
    """Crops of the photographs with their classes, the examples, and the rows to test with."""

    photographs: Sequence[Photograph]
    labels: Labels
    crops: ByteArray
    examples: Examples
    test: IntArray

    def measure(
        self, network: EmbeddingNetwork, spec: NetworkSpec, device: str
    ) -> tuple[SpeciesMetrics, ...]:
        """Retrieval of the individuals held out, without candidates of the query's own encounter."""
        if not len(self.test):
            return ()
        vectors = embed_crops(network, self.crops[self.test], spec, device=device)
        encounters = [self.photographs[row].encounter for row in self.test.tolist()]
        return measure_by_species(vectors, self.labels, self.test.tolist(), encounters=encounters)

    def describe(self, run: RunManifest) -> RunManifest:
        """The description of a run with what was learnt from."""
        rows = np.unique(self.examples.rows)
        known = self.labels.of[rows][self.labels.of[rows] >= 0]
        digest = hashlib.sha256(self.examples.rows.tobytes() + self.examples.labels.tobytes())
        for row in rows.tolist():
            digest.update(np.ascontiguousarray(self.crops[row]).tobytes())
        return replace(
            run,
            data_sha256=digest.hexdigest(),
            photographs=len(rows),
            individuals=len(np.unique(known)),
            species=tuple(sorted({self.photographs[row].species for row in rows.tolist()} - {""})),
        )


def pretrain_backbone(
    photographs: Sequence[Photograph],
    pairs: TemporalPairs,
    recipe: PretrainRecipe,
    folder: Path,
    *,
    name: str = "",
    licence: str = UNSTATED,
    progress: Progress | None = None,
) -> RunManifest:
    """Pretrain a backbone; the description of the run that is written into `folder`.

    pairs: temporal pairs, as rows of the photographs. name: of the run; by default that of the folder.
    Raises AlreadyExistsError if the folder holds a finished run, PreconditionError if the method finds
    nothing to learn from, and the errors of `start_network`, `build_objective` and `run_loop`.
    """
    if is_run(folder):
        raise AlreadyExistsError(f"{folder} holds a finished training; give another folder")
    progress = progress or Progress()
    with joined(recipe.loop.device) as (processes, device):
        start = start_network(recipe.network, recipe.start, seed=recipe.loop.seed)
        crops = folder / CROPS_FILE
        if processes.is_first:
            prepare_crops(photographs, start.spec.image_size, crops, on_progress=progress.on_crops)
        processes.wait()
        material = _prepare(photographs, pairs, recipe, start, crops)
        before = material.measure(start.network, start.spec, str(device)) if processes.is_first else ()
        trained = _learn(material, recipe, start, folder, progress)
        run = RunManifest(
            name=name,
            method=recipe.method,
            network=start.spec,
            recipe=recipe.settings(),
            start=start.described,
            start_metrics=before,
            licence=licence,
        )
        if processes.is_first:
            run = replace(material.describe(run), metrics=material.measure(trained, start.spec, str(device)))
            run = write_run(folder, run, trained)
            for path in (*folder.glob(f"{CROPS_FILE}*"), folder / CHECKPOINT_FILE):
                path.unlink(missing_ok=True)
        processes.wait()
        return run


def hold_out(labels: IntArray, share: float, *, seed: int) -> BoolArray:
    """Whether each photograph is for the test: all photographs of a share of the known individuals.

    labels: (n,), -1 without a class. Individuals with one photograph are not drawn, since nothing can be
    found again.

    >>> int(hold_out(np.array([0, 0, 1, 1, 2, -1]), 0.5, seed=0).sum())
    2
    """
    classes, counts = np.unique(labels[labels >= 0], return_counts=True)
    several = classes[counts > 1]
    drawn = np.random.default_rng(seed).choice(several, round(share * len(several)), replace=False)
    held_out: BoolArray = np.isin(labels, drawn)
    return held_out


def choose_examples(
    recipe: PretrainRecipe, pairs: TemporalPairs, labels: IntArray, usable: BoolArray
) -> Examples:
    """The examples of a method among the usable photographs, as rows of all of them.

    labels: (n,), -1 without a class; those of the examples are numbered from 0.
    Raises PreconditionError if there is nothing to learn from.
    """
    method = find_method(recipe.method)
    if method.supervised:
        found = supervised_examples(method, np.where(usable, labels, -1))
        return Examples(found.rows, np.unique(found.labels, return_inverse=True)[1].astype(np.int64))
    if not usable.any():
        raise PreconditionError("no photograph is left to learn from; give more, or hold out a smaller share")
    further = recipe.small_crops if method.small_crops else 0
    return self_supervised_examples(method, pairs, usable, recipe.views, further=further)


def choose_views(recipe: PretrainRecipe, size: int) -> list[View]:
    """How the views of an example are made. size: edge of the crops, pixels.

    >>> len(choose_views(PretrainRecipe("dino"), 96)), len(choose_views(PretrainRecipe("fastsiam"), 96))
    (10, 4)
    """
    method = find_method(recipe.method)
    small: list[View] = [SmallCrop(small_size(size), recipe.augmentation)]
    return [recipe.augmentation] * method.views + small * (recipe.small_crops if method.small_crops else 0)


def _prepare(
    photographs: Sequence[Photograph],
    pairs: TemporalPairs,
    recipe: PretrainRecipe,
    start: Start,
    crops: Path,
) -> _Material:
    prepared = prepare_crops(photographs, start.spec.image_size, crops)
    labels = label_photographs(photographs, flanks_apart=recipe.flanks_apart)
    held_out = hold_out(labels.of, recipe.test_share, seed=recipe.loop.seed)
    sound = np.array([row not in prepared.failed for row in range(len(photographs))])
    examples = choose_examples(recipe, pairs, labels.of, sound & ~held_out)
    return _Material(photographs, labels, prepared.crops, examples, np.flatnonzero(sound & held_out))


def _learn(
    material: _Material, recipe: PretrainRecipe, start: Start, folder: Path, progress: Progress
) -> EmbeddingNetwork:
    method, examples = find_method(recipe.method), material.examples
    counts = np.bincount(examples.labels) if method.supervised else None
    small = method.small_crops and recipe.small_crops > 0
    network = for_any_size(start.network, start.spec) if small else start.network
    objective = build_objective(recipe.method, network, recipe.knobs, counts=counts, seed=recipe.loop.seed)
    data = TrainingData(
        material.crops, examples, choose_views(recipe, start.spec.image_size), method.per_label
    )
    schedule, loop = recipe.schedule, recipe.loop
    trained = run_loop(objective, data, start.spec, schedule, loop, folder=folder, on_step=progress.on_step)
    return trained.eval()
