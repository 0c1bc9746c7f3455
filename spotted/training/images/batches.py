"""Batches of augmented views, the same for a seed and a step whatever reads them, and how many do.

A batch is a function of the seed and the number of its step: the order of an epoch is drawn from the seed and
the epoch, and the changes of a view from the seed, the epoch, and its place in the order. So a training that
is resumed reads the batches that an uninterrupted one does, with any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from spotted.arrays import ByteArray, IntArray
from spotted.errors import InvalidInputError
from spotted.training.images.augmentation import View
from spotted.training.networks import Colour

PREFETCHED = 4
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a training; each has one or several views.

    >>> pairs = Examples(np.array([[0, 1], [2, 3]]), np.array([-1, -1]))
    >>> pairs.views, len(pairs)
    (2, 2)
    """

    rows: IntArray
    """(n, v) rows of crops, a column for each view: twice the same row for two views of one crop."""
    labels: IntArray
    """(n,) class of each example, -1 if unknown."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def views(self) -> int:
        """Number of views of an example."""
        return int(self.rows.shape[1])


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Crops, the examples among them, and how their views are made."""

    crops: ByteArray
    """(n, size, size, 3) RGB."""
    examples: Examples
    views: Sequence[View]
    """The view of each column of the examples."""
    per_label: int = 0
    """Examples of each class in a batch, whose classes are drawn; 0: all examples, in random order."""

    def __post_init__(self) -> None:
        if len(self.views) != self.examples.views:
            raise InvalidInputError(
                f"{len(self.views)} views for examples of {self.examples.views}; give one for each column"
            )


@dataclass(frozen=True, slots=True)
class Batch:
    """Views of some examples."""

    views: tuple[torch.Tensor, ...]
    """(b, 3, s, s) float32 each, normalised."""
    labels: torch.Tensor
    """(b,) int64, -1 if unknown."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Which part of which batches is read."""

    batch_size: int
    """Examples of a step, by all processes together."""
    seed: int = 0
    parts: int = 1
    """Parts of a batch that follow each other (gradient accumulation)."""
    process: int = 0
    """Number of this process."""
    processes: int = 1
    """Number of processes that share a batch."""

    def steps_per_epoch(self, data: TrainingData) -> int:
        """Whole batches in the examples; the rest is left out of an epoch.

        Raises InvalidInputError if there is not one whole batch, or it cannot be divided evenly.
        """
        steps = len(data.examples) // self.batch_size
        if not steps:
            raise InvalidInputError(
                f"{len(data.examples)} examples are fewer than one batch of {self.batch_size}; use a smaller "
                "batch, or more photographs",
                field="batch_size",
            )
        if self.batch_size % (self.parts * self.processes):
            raise InvalidInputError(
                f"a batch of {self.batch_size} cannot be divided into {self.parts} parts for "
                f"{self.processes} processes; use a multiple of {self.parts * self.processes}",
                field="batch_size",
            )
        return steps

    def order(self, data: TrainingData, epoch: int) -> IntArray:
        """The examples of an epoch in order, (steps * batch_size,)."""
        rng = np.random.default_rng([self.seed, epoch])
        count = self.steps_per_epoch(data) * self.batch_size
        if not data.per_label:
            return np.asarray(rng.permutation(len(data.examples))[:count], dtype=np.int64)
        return _grouped(data.examples.labels, data.per_label, count, self.batch_size, rng)

    def places(self, step: int) -> range:
        """The places of this process's examples in the batch of a step, as offsets in the order."""
        share = self.batch_size // self.processes
        start = step * self.batch_size + self.process * share
        return range(start, start + share)


def read_batches(
    data: TrainingData,
    plan: BatchPlan,
    *,
    mean: Colour,
    std: Colour,
    steps: range,
    device: torch.device = CPU,
    workers: int = 0,
) -> Iterator[list[Batch]]:
    """For each step, counted over all epochs, the parts of the batch of this process, on a device.

    mean, std: of 0..255 pixels. workers: processes that make batches ahead; 0: this process makes them.
    """
    loader: DataLoader[list[Batch]] = DataLoader(
        _Views(data, plan, steps),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=PREFETCHED if workers else None,
        worker_init_fn=_one_thread,
        # the loader draws a seed for its workers, which must not move the generator of the network
        generator=torch.Generator(),
    )
    shift, factor = (torch.tensor(colour, device=device).view(3, 1, 1) for colour in (mean, std))
    for parts in loader:
        yield [
            Batch(
                # bytes are moved, a quarter of the floats
                tuple((_moved(view, device).to(torch.float32) - shift) / factor for view in part.views),
                _moved(part.labels, device),
            )
            for part in parts
        ]


class _Views(Dataset[list[Batch]]):
    """The batches of the steps, each as its parts, whose views are bytes."""

    def __init__(self, data: TrainingData, plan: BatchPlan, steps: range) -> None:
        self._data, self._plan, self._steps = data, plan, steps
        self._per_epoch = plan.steps_per_epoch(data)
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> list[Batch]:
        if index >= len(self):
            # as sequences end, for those that iterate without a length
            raise IndexError(index)
        epoch, step = divmod(self._steps[index], self._per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._plan.order(self._data, epoch)
        places = np.array(self._plan.places(step))
        return [self._batch(part) for part in np.array_split(places, self._plan.parts)]

    def _batch(self, places: IntArray) -> Batch:
        chosen = self._order[places]
        views = (self._view(places, chosen, column) for column in range(len(self._data.views)))
        return Batch(tuple(views), torch.from_numpy(self._data.examples.labels[chosen]))

    def _view(self, places: IntArray, chosen: IntArray, column: int) -> torch.Tensor:
        view, rows = self._data.views[column], self._data.examples.rows[chosen, column]
        seeds = ([self._plan.seed, self._epoch, place, column + 1] for place in places.tolist())
        images = [
            view(np.asarray(self._data.crops[row]), np.random.default_rng(seed))
            for row, seed in zip(rows, seeds, strict=True)
        ]
        # the channels of a pixel stay together, with which convolutions on a CPU take two thirds of the time
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _grouped(labels: IntArray, each: int, count: int, batch_size: int, rng: np.random.Generator) -> IntArray:
    """Batches of `each` examples of drawn classes; a class with fewer repeats its own.

    Raises InvalidInputError if a batch is no multiple of them, or fewer than two classes have two examples.
    """
    classes, sizes = np.unique(labels[labels >= 0], return_counts=True)
    classes = classes[sizes > 1]
    drawn = batch_size // each
    if batch_size % each or not 2 <= drawn <= len(classes):  # noqa: PLR2004 - a comparison needs two
        raise InvalidInputError(
            f"a batch of {batch_size} cannot hold {each} photographs of each of its animals: {len(classes)} "
            f"animals have two or more; use a multiple of {each}, at most {each * len(classes)}",
            field="batch_size",
        )
    rows_of = {label: np.flatnonzero(labels == label) for label in classes.tolist()}
    order = []
    for _ in range(count // batch_size):
        for label in rng.choice(classes, drawn, replace=False).tolist():
            rows = rows_of[label]
            order.append(rng.permutation(np.resize(rng.permutation(rows), each)))
    return np.concatenate(order).astype(np.int64)


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on a device; one for a GPU goes through page-locked memory, which does not wait."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def _one_thread(worker: int) -> None:  # noqa: ARG001 - the loader's signature
    import cv2  # noqa: PLC0415 - only a process of its own is limited

    cv2.setNumThreads(0)
