"""Local features in the store: a hash beside the journal of a survey, changed in the same step as it.

The journal names what the hash holds (`LocalFeatureKeys`), so no reader of the journal loads the content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from services.common.store import keys
from services.common.store.journal import Fields
from services.common.store.seal import sealed, unsealed
from services.common.store.store import Store
from spotted.errors import DamagedError
from spotted.v1 import local_features_pb2, survey_pb2

# bytes of a key: two features of one survey never share the first 128 bits of a SHA-256 by chance
KEY_BYTES = 16
# values read in one round trip, 64 KiB each at most
PAGE = 64
_READ = "return redis.call('HMGET', KEYS[1], unpack(ARGV))"


@dataclass(frozen=True, slots=True)
class LocalView:
    """The local features and scores of a survey at one revision."""

    keys: Mapping[str, bytes]
    """Key of the local features of each detection that has any."""
    normalisers: str
    """Name of the normalisers of the scores; "" if there are no scores."""
    scores: tuple[str, ...]
    """Names of the scores, in the order in which they were stored."""


class LocalFeatureKeys:
    """The detections of a survey that have local features, the key of each, and how all were made.

    normalisers, scores: as in `LocalView`. pairs: number of pairs that have scores.
    """

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.spec: survey_pb2.LocalFeatureSpec | None = None
        self.normalisers = ""
        self.scores: list[str] = []
        self.pairs = 0
        self._view: LocalView | None = None

    def add(self, added: local_features_pb2.LocalFeaturesAdded) -> None:
        """Apply an event; another spec drops all that there was."""
        if added.HasField("spec"):
            self.keys.clear()
            self._drop_scores()
            self.spec = added.spec
        each = (added.keys[i : i + KEY_BYTES] for i in range(0, len(added.keys), KEY_BYTES))
        self.keys.update(zip(added.detection_ids, each, strict=True))
        self._view = None

    def add_scores(self, added: local_features_pb2.LocalScoresAdded) -> None:
        """Apply an event; other normalisers drop all scores that there were."""
        if added.normalisers:
            self._drop_scores()
            self.normalisers = added.normalisers
        self.scores.append(added.name)
        self.pairs += added.pairs
        self._view = None

    def score_names(self) -> list[str]:
        """The names of all scores and of their normalisers."""
        return [*self.scores, self.normalisers] if self.normalisers else []

    def forget(self, detection_ids: Iterable[str]) -> None:
        """Drop the features of detections that were deleted, or show another image."""
        for detection_id in detection_ids:
            if self.keys.pop(detection_id, None) is not None:
                self._view = None

    def describe(self, survey: survey_pb2.Survey) -> None:
        """Set the output-only fields of a survey."""
        survey.local_feature_count, survey.local_pair_count = len(self.keys), self.pairs
        if self.spec is not None:
            survey.local_features.CopyFrom(self.spec)

    def view(self) -> LocalView:
        """Features and scores as they are now; the same object until they change."""
        if self._view is None:
            keys = MappingProxyType(dict(self.keys))
            self._view = LocalView(keys, self.normalisers, tuple(self.scores))
        return self._view

    def _drop_scores(self) -> None:
        self.normalisers, self.scores, self.pairs = "", [], 0


class LocalParts:
    """The values that a store keeps beside the journals of surveys."""

    def __init__(self, store: Store) -> None:
        self._read = store.script(_READ, writes=False)

    def get(self, survey_id: str, names: Sequence[str]) -> list[bytes | None]:
        """The values of names, None for each that is not there.

        Raises DamagedError for one that was changed.
        """
        key, found = keys.local_parts(survey_id), list[bytes | None]()
        for i in range(0, len(names), PAGE):
            page = names[i : i + PAGE]
            read = cast("list[bytes | None]", self._read([key], page))
            found += [_opened(survey_id, name, value) for name, value in zip(page, read, strict=True)]
        return found


def feature_key(detection_id: str, features: bytes) -> bytes:
    """The key of the local features of a detection."""
    return hashlib.sha256(b"%b\0%b" % (detection_id.encode(), features)).digest()[:KEY_BYTES]


def feature_name(key: bytes) -> str:
    """The name of the local features of a key."""
    return f"f:{key.hex()}"


def content_name(kind: str, content: bytes) -> str:
    """The name of scores (kind "s") or normalisers (kind "n")."""
    return f"{kind}:{hashlib.sha256(content).hexdigest()[:32]}"


def part_changes(
    survey_id: str,
    *,
    dropped: Iterable[bytes] = (),
    dropped_names: Iterable[str] = (),
    stored: Mapping[str, bytes] | None = None,
) -> Fields:
    """A change of the values of a survey, made in the same step as that of its journal.

    dropped: keys of local features. dropped_names: names of other values. stored: content by name.
    """
    key = keys.local_parts(survey_id)
    values = {name: sealed(f"{key} {name}", content) for name, content in (stored or {}).items()}
    return Fields(key, [*map(feature_name, dropped), *dropped_names], values)


def _opened(survey_id: str, name: str, value: bytes | None) -> bytes | None:
    if value is None:
        return None
    content = unsealed(f"{keys.local_parts(survey_id)} {name}", value)
    if content is None:
        raise DamagedError(
            f"local features of survey {survey_id!r} are damaged in the store; extract them again, e.g. with "
            "`spotted embed --local hotspotter --again`, or restore a backup of the survey"
        )
    return content
