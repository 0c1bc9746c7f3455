import numpy as np
import pytest
import torch

from spotted.errors import InvalidInputError
from spotted.training.loop.objective import Position
from spotted.training.methods.by_name import build_objective, default_knobs
from spotted.training.methods.contrastive import SimCLR
from spotted.training.methods.names import METHODS
from tests.spotted.training.methods.objectives import DIMENSION, SMALL, drawn_batch, tiny_network

COUNTS = np.array([4, 2, 1, 1])


@pytest.mark.parametrize("method", METHODS)
def test_ten_steps_lower_the_loss_and_a_state_can_be_taken_up(method: str) -> None:
    objective = build_objective(method, tiny_network(), SMALL[method], counts=COUNTS)
    descent = torch.optim.Adam([p for p in objective.parameters() if p.requires_grad], lr=1e-2)
    batch, losses = drawn_batch(METHODS[method].views), []
    for step in range(10):
        loss = objective(batch)
        descent.zero_grad()
        loss.backward()
        descent.step()
        objective.after_step(Position(step=step, steps=10, epoch=step / 5))
        losses.append(loss.item())
    # a batch that repeats fills the queue of MoCo with its own keys
    assert losses[-1] < losses[0] or method == "moco"
    # what a checkpoint holds is all that the next loss depends on
    again = build_objective(method, tiny_network(seed=1), SMALL[method], counts=COUNTS, seed=1)
    again.load_state_dict(objective.state_dict())
    torch.testing.assert_close(again(batch), objective(batch), rtol=0.0, atol=0.0)


def test_knobs_are_checked_against_the_method() -> None:
    assert default_knobs("simclr") == {"hidden": 2048, "outputs": 128, "temperature": 0.5}
    assert default_knobs("arcface") == {"sub_centers": 3, "scale": 51.5}
    built = build_objective("simclr", tiny_network(), {"temperature": 0.2, "hidden": 16.0})
    assert isinstance(built, SimCLR)
    assert built.temperature == 0.2
    assert next(built.head.parameters()).shape == (16, DIMENSION)
    with pytest.raises(InvalidInputError, match="Triplet has no setting 'temperature'; it has margin"):
        build_objective("triplet", tiny_network(), {"temperature": 0.5})
    with pytest.raises(InvalidInputError, match=r"hidden 2\.5 is not a whole number"):
        build_objective("simclr", tiny_network(), {"hidden": 2.5})


def test_a_seed_gives_the_same_start() -> None:
    one, again, other = (
        build_objective("simclr", tiny_network(), SMALL["simclr"], seed=seed).state_dict()["head.0.weight"]
        for seed in (3, 3, 4)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
