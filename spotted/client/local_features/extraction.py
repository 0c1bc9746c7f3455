"""Local features extracted while photographs are embedded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spotted.client.local_features.survey import SurveyLocalFeatures
from spotted.client.values.embedding import Embedded


@dataclass(frozen=True, slots=True)
class LocalExtraction:
    """Local features to extract beside the vectors.

    >>> LocalExtraction("hotspotter").again
    False
    """

    method: str
    """Name of the method."""
    again: bool = False
    """Extract those of all photographs, and drop what another method or preparation made."""

    def lacking(self, survey: SurveyLocalFeatures, stored: Iterable[str]) -> set[str]:
        """The stored detections whose features must be extracted."""
        return set(stored) if self.again else set(stored) - survey.with_local_features()

    def store(
        self, survey: SurveyLocalFeatures, embedded: Sequence[Embedded], failed: list[tuple[str, str]]
    ) -> int:
        """Store the features of stored detections; returns how many are stored.

        failed: rejected ones are added, with the reason. Raises DigestMismatchError as `add_local_features`.
        """
        features = {each.crop_id: each.local_features for each in embedded if each.local_features}
        spec = next((each.local_spec for each in embedded if each.local_spec), None)
        if spec is None or not features:
            return 0
        result = survey.add_local_features(features, spec, replace_spec=self.again)
        failed += [(one.detection_id, one.message) for one in result.rejected]
        return result.added + result.unchanged
