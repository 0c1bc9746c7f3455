"""How much two animals look alike, by vectors and by matched marks.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import FloatArray

# by trial on composites, as docs/research/local-features.md says
MARKS_UNIT = 0.1


def count_marks(visual: FloatArray, local: FloatArray) -> FloatArray:
    """How much the animals of each pair look alike, in the precision of `visual`.

    visual: in [0, 1]. local: at least 0, NaN of pairs that share no marks or were not matched, which keep
    their visual similarity. The doubt that the vectors leave shrinks by e for each `MARKS_UNIT` of the local
    score, so either kind of evidence suffices, and no pair looks less alike for having been matched.

    >>> count_marks(np.float32([0.6, 0.6, 0.6]), np.float32([0.1, 0.3, np.nan])).round(3)
    array([0.853, 0.98 , 0.6  ], dtype=float32)
    """
    one = visual.dtype.type(1.0)
    with np.errstate(invalid="ignore"):
        doubt = np.exp(local.astype(visual.dtype) / visual.dtype.type(-MARKS_UNIT))
        return np.where(local > 0, one - (one - visual) * doubt, visual)
