import torch
from torch import nn

from spotted.training.methods.projections import Prototypes, projection


def kinds(network: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in network]


def test_layers_are_normalised_and_activated_but_for_the_last() -> None:
    three = projection([4, 8, 8, 2], last_norm=True, last_affine=False)
    assert kinds(three) == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear", "BatchNorm1d"]
    assert [layer.affine for layer in three if isinstance(layer, nn.BatchNorm1d)] == [True, True, False]
    plain = projection([4, 8, 2], norms=False, activation=nn.GELU)
    assert kinds(plain) == ["Linear", "GELU", "Linear"]
    assert all(layer.bias is not None for layer in plain if isinstance(layer, nn.Linear))


def test_prototypes_are_cosines_whatever_the_length_of_the_directions() -> None:
    torch.manual_seed(0)
    head, features = Prototypes(4, hidden=8, bottleneck=3, outputs=5), torch.randn(6, 4)
    before = head(features)
    with torch.no_grad():
        head.directions.mul_(7.0)
    torch.testing.assert_close(head(features), before)
    units = nn.functional.normalize(head.layers(features), dim=1)
    expected = [
        [torch.cosine_similarity(unit, direction, dim=0).item() for direction in head.directions]
        for unit in units
    ]
    torch.testing.assert_close(before, torch.tensor(expected))


def test_frozen_directions_get_a_gradient_of_nothing() -> None:
    torch.manual_seed(0)
    head, features = Prototypes(4, hidden=8, bottleneck=3, outputs=5), torch.randn(6, 4)
    before = head(features)
    head.frozen = True
    torch.testing.assert_close(head(features), before)
    head(features).square().sum().backward()
    gradient = head.directions.grad
    assert gradient is not None
    assert not gradient.any()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in head.layers.parameters())
