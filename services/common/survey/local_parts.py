"""Local features in the store: a hash beside the journal of a survey, changed in the same step as it.

The journal names what the hash holds (`LocalFeatureKeys`), so no reader of the journal loads the content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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


class LocalFeatureKeys:
    """The detections of a survey that have local features, the key of each, and how all were made."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.spec: survey_pb2.LocalFeatureSpec | None = None
        self._frozen: Mapping[str, bytes] | None = None

    def add(self, added: local_features_pb2.LocalFeaturesAdded) -> None:
        """Apply an event; another spec drops all that there was."""
        if added.HasField("spec"):
            self.keys.clear()
            self.spec = added.spec
        each = (added.keys[i : i + KEY_BYTES] for i in range(0, len(added.keys), KEY_BYTES))
        self.keys.update(zip(added.detection_ids, each, strict=True))
        self._frozen = None

    def forget(self, detection_ids: Iterable[str]) -> None:
        """Drop the features of detections that were deleted, or show another image."""
        for detection_id in detection_ids:
            if self.keys.pop(detection_id, None) is not None:
                self._frozen = None

    def describe(self, survey: survey_pb2.Survey) -> None:
        """Set the output-only fields of a survey."""
        survey.local_feature_count = len(self.keys)
        if self.spec is not None:
            survey.local_features.CopyFrom(self.spec)

    def frozen(self) -> Mapping[str, bytes]:
        """The keys by detection id as they are now; the same object until they change."""
        if self._frozen is None:
            self._frozen = MappingProxyType(dict(self.keys))
        return self._frozen


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


def part_changes(
    survey_id: str, *, dropped: Iterable[bytes] = (), stored: Mapping[str, bytes] | None = None
) -> Fields:
    """A change of the values of a survey, made in the same step as that of its journal.

    dropped: keys of local features. stored: content by name.
    """
    key = keys.local_parts(survey_id)
    values = {name: sealed(f"{key} {name}", content) for name, content in (stored or {}).items()}
    return Fields(key, [feature_name(one) for one in dropped], values)


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
