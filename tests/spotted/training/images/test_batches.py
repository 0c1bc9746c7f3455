from __future__ import annotations

import numpy as np
import pytest
import torch

from spotted.errors import InvalidInputError
from spotted.training.images.augmentation import Augmentation, as_is
from spotted.training.images.batches import Batch, BatchPlan, Examples, TrainingData, read_batches

MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def numbered(count: int, *, labels: list[int] | None = None, per_label: int = 0) -> TrainingData:
    """Crops (4, 4, 3) whose first element is their number."""
    crops = np.zeros((count, 4, 4, 3), dtype=np.uint8)
    crops[:, 0, 0, 0] = np.arange(count)
    names = np.array(labels or range(count), dtype=np.int64)
    return TrainingData(crops, Examples(np.arange(count)[:, None], names), [as_is], per_label)


def read(data: TrainingData, plan: BatchPlan, steps: range, *, workers: int = 0) -> list[list[Batch]]:
    return list(read_batches(data, plan, mean=MEAN, std=STD, steps=steps, workers=workers))


def test_an_epoch_has_every_example_once_in_an_order_of_its_own() -> None:
    data, plan = numbered(10), BatchPlan(3, seed=1)
    epochs = [
        torch.cat([part.labels for parts in read(data, plan, range(start, start + 3)) for part in parts])
        for start in (0, 3)
    ]
    assert all(len(set(epoch.tolist())) == 9 for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_views_are_normalised_pixels_of_their_rows() -> None:
    data = numbered(6)
    ((batch,),) = read(data, BatchPlan(6), range(1))
    pixels = data.crops[batch.labels.numpy()]
    expected = ((pixels - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(batch.views[0].numpy(), expected, atol=1e-6)
    # as convolutions on a CPU are fastest
    assert batch.views[0].is_contiguous(memory_format=torch.channels_last)


def test_a_batch_is_the_same_read_from_the_start_or_from_its_step() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    view = Augmentation()
    data = TrainingData(crops, Examples(np.arange(8)[:, None].repeat(2, 1), np.arange(8)), [view, view])
    plan = BatchPlan(4, seed=3)
    whole, later = read(data, plan, range(5)), read(data, plan, range(3, 5), workers=1)
    for first, second in zip(whole[3:], later, strict=True):
        for one, other in zip(first[0].views, second[0].views, strict=True):
            assert torch.equal(one, other)
    # two views of one crop are changed differently
    assert not torch.equal(*whole[0][0].views)


def test_parts_and_processes_divide_the_batch() -> None:
    data = numbered(8)
    whole = read(data, BatchPlan(8, seed=2), range(1))[0][0].labels.tolist()
    shared = [
        part.labels.tolist()
        for process in range(2)
        for part in read(data, BatchPlan(8, 2, parts=2, process=process, processes=2), range(1))[0]
    ]
    assert [len(part) for part in shared] == [2, 2, 2, 2]
    assert [label for part in shared for label in part] == whole


def test_drawn_animals_have_the_same_number_of_examples() -> None:
    labels = [0] * 5 + [1] * 2 + [2] * 4 + [3] + [-1, -1]
    data = numbered(len(labels), labels=labels, per_label=3)
    for parts in read(data, BatchPlan(6), range(6)):
        found, counts = np.unique(parts[0].labels.numpy(), return_counts=True)
        assert counts.tolist() == [3, 3]
        assert set(found.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("plan", "per_label", "message"),
    [
        (BatchPlan(20), 0, "14 examples are fewer than one batch of 20; use a smaller batch"),
        (BatchPlan(6, parts=4), 0, "a batch of 6 cannot be divided into 4 parts for 1 processes; use a mult"),
        (BatchPlan(8), 3, "cannot hold 3 photographs of each of its animals: 3 animals have two or more"),
        (BatchPlan(12), 3, "a batch of 12 cannot hold 3 .* use a multiple of 3, at most 9"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(plan: BatchPlan, per_label: int, message: str) -> None:
    labels = [0] * 5 + [1] * 2 + [2] * 4 + [3] + [-1, -1]
    with pytest.raises(InvalidInputError, match=message):
        read(numbered(14, labels=labels, per_label=per_label), plan, range(1))


def test_each_column_of_views_needs_its_view() -> None:
    with pytest.raises(InvalidInputError, match="1 views for examples of 2; give one for each column"):
        TrainingData(
            np.zeros((1, 1, 1, 3), np.uint8),
            Examples(np.zeros((1, 2), np.int64), np.zeros(1, np.int64)),
            [as_is],
        )
