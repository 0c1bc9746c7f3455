from __future__ import annotations

from spotted.training.loop.objective import Position
from tests.spotted.training.small import small_objective


def test_all_parameters_learn_unless_they_are_frozen() -> None:
    objective = small_objective()
    (group,) = objective.groups()
    assert {id(parameter) for parameter in group.parameters} == {id(p) for p in objective.parameters()}
    assert (group.rate, group.weight_decay) == (1.0, None)


def test_nothing_moves_by_itself() -> None:
    objective = small_objective()
    before = {name: tensor.clone() for name, tensor in objective.state_dict().items()}
    objective.before_step(Position(0, 2, 0.0))
    objective.after_step(Position(1, 2, 0.5))
    assert all((before[name] == tensor).all() for name, tensor in objective.state_dict().items())
