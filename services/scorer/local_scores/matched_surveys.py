"""The local features and scores of surveys, read from the store when a call needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from services.common.store.store import Store
from services.common.survey.local_parts import LocalParts, feature_name
from services.common.survey.state import Snapshot
from services.scorer.local_scores.methods import MatchingMethods
from services.scorer.local_scores.score_blocks import decode_blocks
from spotted.errors import ConcurrencyError, DamagedError
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import MethodSpec
from spotted.matching.shortlists import FeatureRows, owner_name
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection

if TYPE_CHECKING:
    from spotted.local_features.matching.by_name import PairMatcher
    from spotted.local_features.matching.matches import Matches

# matched marks that a response carries
MOST_POINTS = 100


class MatchedSurveys:
    """Reads local features, scores and normalisers of a store's surveys."""

    def __init__(
        self, store: Store, present: Callable[[str], Snapshot], methods: MatchingMethods | None = None
    ) -> None:
        """Read from a store. present: a survey as it is now. methods: None: those without files."""
        self._parts, self._present = LocalParts(store), present
        self._methods = methods or MatchingMethods()

    def pairs(self, snapshot: Snapshot) -> LocalPairs | None:
        """The local scores of a survey, by its rows; None if it has none.

        Raises DamagedError, ConcurrencyError if another call dropped them since the snapshot.
        """
        view = snapshot.local
        if not view.scores:
            return None
        blocks = self._required(snapshot, view.scores)
        return decode_blocks(blocks, {key: snapshot.row(i) for i, key in view.keys.items()})

    def features(self, snapshot: Snapshot, detection_id: str) -> LocalFeatures | None:
        """The local features of a detection; None if it has none, or the store lost them."""
        key = snapshot.local.keys.get(detection_id)
        if key is None:
            return None
        (content,) = self._parts.get(snapshot.survey.survey_id, [feature_name(key)])
        return None if content is None else LocalFeatures.from_bytes(content)

    def feature_rows(self, snapshot: Snapshot) -> FeatureRows:
        """The local features of a survey's detections, by row."""
        keys, detections = snapshot.local.keys, snapshot.detections
        return FeatureRows(
            np.array([d.detection_id in keys for d in detections], dtype=np.bool_),
            lambda row: self.features(snapshot, detections[row].detection_id),
            lambda row: _owner(detections[row]),
        )

    def matcher(self, snapshot: Snapshot, normalisers: Normalisers | None = None) -> PairMatcher:
        """The matcher of a survey's features. normalisers: None for those of its scores.

        Raises PreconditionError for a method that this scorer cannot match, DamagedError, ConcurrencyError.
        """
        if normalisers is None:
            (content,) = self._required(snapshot, [snapshot.local.normalisers])
            normalisers = Normalisers.from_bytes(content)
        return self._methods.matcher(snapshot.survey.local_features.method, normalisers)

    def method(self, snapshot: Snapshot) -> MethodSpec:
        """The method of a survey's local features. Raises PreconditionError if it cannot be matched here."""
        return self._methods.spec(snapshot.survey.local_features.method)

    def match(
        self, snapshot: Snapshot, first_id: str, second_id: str
    ) -> tuple[Matches, LocalFeatures, LocalFeatures] | None:
        """The matched marks of a pair, and the features of both; None if the pair cannot be matched."""
        if not snapshot.local.normalisers:
            return None
        found = [self.features(snapshot, one) for one in (first_id, second_id)]
        first, second = found
        if first is None or second is None:
            return None
        matcher = self.matcher(snapshot)
        owners = (_owner(snapshot.detections[snapshot.row(one)]) for one in (first_id, second_id))
        one, other = (matcher.prepare(f, o) for f, o in zip((first, second), owners, strict=True))
        return matcher.match_pair(one, other).strongest(MOST_POINTS), first, second

    def _required(self, snapshot: Snapshot, names: Sequence[str]) -> list[bytes]:
        survey_id = snapshot.survey.survey_id
        found = self._parts.get(survey_id, names)
        if None in found:
            if self._present(survey_id).local != snapshot.local:
                raise ConcurrencyError(
                    f"local scores of survey {survey_id!r} changed while they were read; call again"
                )
            raise DamagedError(
                f"local scores of survey {survey_id!r} are missing in the store; match its local features "
                f"again, with `spotted match-marks {survey_id} --renew`, or restore a backup of the survey"
            )
        return [content for content in found if content is not None]


def local_digest(snapshot: Snapshot) -> str:
    """SHA-256 (hex) of everything that the local scores depend on."""
    view = snapshot.local
    parts = [snapshot.survey.local_features.digest, view.normalisers, *view.scores]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _owner(detection: Detection) -> str:
    return owner_name(detection.detection_id, detection.encounter_id)
