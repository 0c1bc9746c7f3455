"""Local scores as they are stored: blocks of pairs, named by the keys of their features.

A pair counts while both of its detections have the features that were matched, so that nothing has to be
removed when a detection is deleted or shows another image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from services.common.survey.local_parts import KEY_BYTES
from spotted.arrays import Float32Array, IntArray
from spotted.scoring.local_pairs import CountArray, LocalPairs
from spotted.v1 import local_features_pb2 as pb

INDEX, SCORE, MARKS = np.dtype("<u4"), np.dtype("<f4"), np.dtype("<u2")


def encode_block(
    keys: Sequence[bytes], first: IntArray, second: IntArray, scores: Float32Array, marks: CountArray
) -> bytes:
    """Scores of pairs of rows as bytes. keys: of the features of every row, b"" for rows without."""
    rows, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    pairs = index.reshape(2, -1).astype(INDEX)
    return pb.StoredLocalScores(
        keys=b"".join(keys[row] for row in rows.tolist()),
        first=pairs[0].tobytes(),
        second=pairs[1].tobytes(),
        scores=scores.astype(SCORE).tobytes(),
        marks=marks.astype(MARKS).tobytes(),
    ).SerializeToString()


def decode_blocks(blocks: Sequence[bytes], row_of: Mapping[bytes, int]) -> LocalPairs:
    """The table of all pairs of blocks whose features are still those of a row; row_of: key -> row."""
    parts: list[tuple[IntArray, IntArray, Float32Array, CountArray]] = []
    for content in blocks:
        block = pb.StoredLocalScores.FromString(content)
        keys = (block.keys[i : i + KEY_BYTES] for i in range(0, len(block.keys), KEY_BYTES))
        rows = np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)
        first, second = (rows[np.frombuffer(column, INDEX)] for column in (block.first, block.second))
        kept = (first >= 0) & (second >= 0)
        scores, marks = np.frombuffer(block.scores, SCORE), np.frombuffer(block.marks, MARKS)
        parts.append((first[kept], second[kept], scores[kept], marks[kept]))
    if not parts:
        return LocalPairs.none()
    first, second, scores, marks = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return LocalPairs.of(first, second, scores.astype(np.float32), marks.astype(np.uint16))
