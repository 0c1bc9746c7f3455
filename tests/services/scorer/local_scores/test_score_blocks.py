from __future__ import annotations

import numpy as np

from services.scorer.local_scores.score_blocks import decode_blocks, encode_block
from spotted.scoring.local_pairs import LocalPairs

KEYS = [bytes([n]) * 16 for n in range(6)]
FIRST, SECOND = np.array([0, 1, 4]), np.array([3, 4, 5])
SCORES, MARKS = np.array([1.5, 0.0, 2.25], np.float32), np.array([7, 0, 9], np.uint16)


def pairs(table: LocalPairs) -> dict[tuple[int, int], tuple[float, int]]:
    rows = zip((table.numbers >> 32).tolist(), (table.numbers & 0xFFFFFFFF).tolist(), strict=True)
    return dict(zip(rows, zip(table.scores.tolist(), table.marks.tolist(), strict=True), strict=True))


def test_blocks_come_back_as_they_were() -> None:
    block = encode_block(KEYS, FIRST, SECOND, SCORES, MARKS)
    table = decode_blocks([block], {key: row for row, key in enumerate(KEYS)})
    assert pairs(table) == {(0, 3): (1.5, 7), (1, 4): (0.0, 0), (4, 5): (2.25, 9)}
    assert not len(decode_blocks([], {}))


def test_pairs_follow_their_features_to_other_rows_and_leave_with_them() -> None:
    one = encode_block(KEYS, FIRST[:2], SECOND[:2], SCORES[:2], MARKS[:2])
    two = encode_block(KEYS, FIRST[2:], SECOND[2:], SCORES[2:], MARKS[2:])
    # row 4 has other features now, and the others stand in another order
    row_of = {KEYS[3]: 0, KEYS[0]: 9, KEYS[1]: 2, KEYS[5]: 4}
    assert pairs(decode_blocks([one, two], row_of)) == {(0, 9): (1.5, 7)}
