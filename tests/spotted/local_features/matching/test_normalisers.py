from __future__ import annotations

import numpy as np
import pytest

from spotted.local_features.matching.normalisers import Normalisers
from tests.spotted.marked_coats import drawn_features

FEATURES = [drawn_features(20 + seed, seed) for seed in range(6)]
OWNERS = ["e1", "e1", "e2", "e3", "e3", "e4"]


def sample(most: int = 10_000, seed: int = 0) -> Normalisers:
    return Normalisers.sample(FEATURES, OWNERS, rng=np.random.default_rng(seed), most=most)


def test_the_limit_is_the_fifth_nearest_of_all_other_owners() -> None:
    limits = sample().limits(FEATURES[3], "e3")
    for i, descriptor in enumerate(FEATURES[3].descriptors.astype(int)):
        others = [f.descriptors for f, owner in zip(FEATURES, OWNERS, strict=True) if owner != "e3"]
        assert limits[i] == sorted(((np.concatenate(others) - descriptor) ** 2).sum(axis=1))[4]


def test_a_detection_that_was_not_sampled_has_limits_too() -> None:
    new = drawn_features(9, 77)
    limits = sample().limits(new, "e9")
    everything = np.concatenate([f.descriptors for f in FEATURES]).astype(int)
    assert limits[2] == sorted(((everything - new.descriptors[2].astype(int)) ** 2).sum(axis=1))[4]


def test_the_rank_shrinks_with_the_share_that_is_sampled() -> None:
    total = sum(len(f) for f in FEATURES)
    assert [sample(most).rank for most in (total, total * 3 // 5, total // 5, 4)] == [5, 3, 1, 1]
    assert len(sample(total // 5).descriptors) == total // 5


def test_a_sample_depends_on_the_seed_and_nothing_else() -> None:
    assert sample(50).digest == sample(50).digest != sample(50, seed=1).digest


def test_bytes_hold_the_normalisers() -> None:
    none = Normalisers.sample([], [], rng=np.random.default_rng(0))
    for one in (sample(50), none, Normalisers.of_network("ab" * 32)):
        read = Normalisers.from_bytes(one.to_bytes())
        assert (read.names, read.rank, read.digest) == (one.names, one.rank, one.digest)
        assert np.array_equal(read.owners, one.owners)
        assert read.network == one.network
    assert (sample(50).network, Normalisers.of_network("ab" * 32).network) == ("", "ab" * 32)


@pytest.mark.parametrize("position", [0, 4, 40, 300, -1])
def test_damaged_bytes_are_refused(position: int) -> None:
    content = bytearray(sample(50).to_bytes())
    content[position] ^= 0x10
    for damaged in (bytes(content), bytes(content[:position]), b""):
        with pytest.raises(ValueError, match="normalisers"):
            Normalisers.from_bytes(damaged)


def test_without_other_descriptors_nothing_is_near() -> None:
    alone = Normalisers.sample(FEATURES[:1], ["e1"], rng=np.random.default_rng(0))
    assert np.isinf(alone.limits(FEATURES[0], "e1")).all()
