import pytest
import torch
from torch.nn import functional

from spotted.training.loop.objective import Position
from spotted.training.methods.contrastive import BarlowTwins, MoCo, SimCLR
from spotted.training.methods.losses import cross_correlation, nt_xent, nt_xent_with_queue
from tests.spotted.training.methods.objectives import drawn_batch, tiny_network


def test_simclr_and_barlow_twins_compare_the_heads_outputs_for_both_views() -> None:
    batch = drawn_batch(2)
    simclr = SimCLR(tiny_network(), hidden=16, outputs=8, temperature=0.3)
    heads = [simclr.head(simclr.network(view)) for view in batch.views]
    torch.testing.assert_close(simclr(batch), nt_xent(*heads, temperature=0.3))
    barlow = BarlowTwins(tiny_network(), hidden=16, outputs=8, redundancy_weight=0.2)
    heads = [barlow.head(barlow.network(view)) for view in batch.views]
    torch.testing.assert_close(barlow(batch), cross_correlation(*heads, redundancy_weight=0.2))


def test_moco_compares_with_the_queue_as_it_was_and_then_adds_the_keys() -> None:
    moco = MoCo(tiny_network(), hidden=16, outputs=8, queue=20, temperature=0.3)
    queue, batch = moco.queue.clone(), drawn_batch(2)
    keys = moco.follower(batch.views[1])
    queries = moco.head(moco.network(batch.views[0]))
    torch.testing.assert_close(moco(batch), nt_xent_with_queue(queries, keys, queue, temperature=0.3))
    torch.testing.assert_close(moco.queue[:8], functional.normalize(keys, dim=1))
    torch.testing.assert_close(moco.queue[8:], queue[8:])
    torch.testing.assert_close(moco.queue.norm(dim=1), torch.ones(20))


def test_the_queue_of_moco_drops_the_oldest_keys() -> None:
    moco = MoCo(tiny_network(), hidden=16, outputs=8, queue=20)
    keys = []
    for seed in range(4):
        batch = drawn_batch(2, seed=seed)
        keys.append(functional.normalize(moco.follower(batch.views[1]), dim=1))
        moco(batch)
    newest = {tuple(row) for row in torch.cat(keys)[-20:].tolist()}
    found = {tuple(row) for row in moco.queue.tolist()}
    assert len(newest & found) == 20
    # a batch that is longer than the queue fills it
    short = MoCo(tiny_network(), hidden=16, outputs=8, queue=5)
    short(drawn_batch(2))
    assert len({tuple(row) for row in short.queue.tolist()}) == 5


def test_the_follower_of_moco_moves_after_a_step() -> None:
    moco = MoCo(tiny_network(), hidden=16, outputs=8, queue=12, momentum=0.9)
    own = next(iter(moco.follower.network.parameters()))
    leading = next(iter(moco.network.parameters()))
    before = own.clone()
    with torch.no_grad():
        leading.add_(1.0)
    moco.after_step(Position(step=0, steps=10, epoch=0.0))
    assert own == pytest.approx(before + 0.1, abs=1e-6)
