from __future__ import annotations

from services.sampler.session.label_fold import fold_labels
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.assumptions import Assumptions
from spotted.constraints.trust import Trust

SAME = (LabelledPair("a", 0, 1, Answer.SAME), "anna", 0.1)
LATER = (LabelledPair("b", 2, 3, Answer.SAME), "ben", 0.1)


def test_under_single_trust_every_label_decides() -> None:
    folded = fold_labels(Trust.SINGLE, 5, Assumptions(names={3: "Mvula", 4: "Mvula"}), [SAME], [LATER])
    assert folded.components() == [(0, 1), (2, 3, 4)]


def test_under_verified_trust_only_the_accepted_ones_decide_at_once() -> None:
    folded = fold_labels(Trust.VERIFIED, 4, Assumptions(), [SAME], [LATER])
    assert folded.components() == [(0, 1), (2,), (3,)]
    assert folded.undecided().tolist() == [[2, 3]]
