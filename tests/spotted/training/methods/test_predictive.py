import torch

from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Position
from spotted.training.methods.losses import distillation, negative_cosine
from spotted.training.methods.predictive import BYOL, DINO, FastSiam
from tests.spotted.training.methods.objectives import drawn_batch, tiny_network


def test_byol_predicts_the_follower_of_the_other_view() -> None:
    byol, batch = BYOL(tiny_network(), hidden=16, outputs=8), drawn_batch(2)
    loss = byol(batch)
    predicted = [byol.predictor(byol.head(byol.network(view))) for view in batch.views]
    followed = [byol.follower(view) for view in batch.views]
    expected = (negative_cosine(predicted[0], followed[1]) + negative_cosine(predicted[1], followed[0])) / 2
    torch.testing.assert_close(loss, expected)


def test_fastsiam_predicts_the_mean_of_the_other_views() -> None:
    siamese, batch = FastSiam(tiny_network(), hidden=16, outputs=8, bottleneck=4), drawn_batch(4)
    loss = siamese(batch)
    projected = [siamese.head(siamese.network(view)) for view in batch.views]
    losses = []
    for own in range(4):
        others = torch.stack([projected[other] for other in range(4) if other != own]).mean(dim=0)
        losses.append(negative_cosine(siamese.predictor(projected[own]), others))
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_no_gradient_of_fastsiam_flows_through_a_target() -> None:
    siamese, batch = FastSiam(tiny_network(), hidden=16, outputs=8, bottleneck=4), drawn_batch(2)
    siamese.predictor.requires_grad_(requires_grad=False)
    # a predictor without weights predicts nothing from the views, which are then targets only
    for layer in siamese.predictor.parameters():
        torch.nn.init.zeros_(layer)
    torch.nn.init.ones_(list(siamese.predictor.parameters())[-1])
    siamese(batch).backward()
    assert all(float(p.grad.abs().sum()) == 0.0 for p in siamese.network.parameters() if p.grad is not None)


def test_dino_distils_from_the_centred_teacher_and_moves_the_centre() -> None:
    dino, batch = (
        DINO(tiny_network(), hidden=16, bottleneck=4, outputs=10, centre_momentum=0.75),
        drawn_batch(3),
    )
    dino.centre.copy_(torch.linspace(-0.1, 0.1, 10))
    centre = dino.centre.clone()
    loss = dino(batch)
    teacher = torch.stack([dino.follower(view) for view in batch.views[:2]])
    student = torch.stack([dino.head(dino.network(view)) for view in batch.views])
    expected = distillation(teacher, student, centre, teacher_temperature=0.04, student_temperature=0.1)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(dino.centre, 0.75 * centre + 0.25 * teacher.mean(dim=(0, 1)))


def test_the_directions_of_dino_learn_after_the_first_epoch() -> None:
    dino, batch = DINO(tiny_network(), hidden=16, bottleneck=4, outputs=10), drawn_batch(2)
    # weight decay changes only the length of the directions, which does not count
    descent = torch.optim.AdamW(dino.parameters(), lr=1e-2, weight_decay=0.1)
    moved = []
    for step in range(4):
        before = torch.nn.functional.normalize(dino.head.directions.detach(), dim=1)
        dino.before_step(Position(step=step, steps=4, epoch=step / 2))
        descent.zero_grad()
        dino(batch).backward()
        descent.step()
        after = torch.nn.functional.normalize(dino.head.directions.detach(), dim=1)
        moved.append(not torch.allclose(before, after, atol=1e-6))
    assert moved == [False, False, True, True]


def test_the_student_of_dino_sees_small_crops_and_the_teacher_does_not() -> None:
    dino, large = DINO(tiny_network(), hidden=16, bottleneck=4, outputs=10), drawn_batch(2)
    small = tuple(view[:, :, :7, :7] for view in drawn_batch(2, seed=1).views)
    batch = Batch((*large.views, *small), large.labels)
    teacher = torch.stack([dino.follower(view) for view in large.views])
    student = torch.stack([dino.head(dino.network(view)) for view in batch.views])
    expected = distillation(
        teacher, student, torch.zeros(10), teacher_temperature=0.04, student_temperature=0.1
    )
    torch.testing.assert_close(dino(batch), expected)
