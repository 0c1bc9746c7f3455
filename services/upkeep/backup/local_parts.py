"""Local features in backups: read beside the journal of their survey, and restored with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.local_parts import (
    KEY_BYTES,
    LocalParts,
    content_name,
    feature_key,
    feature_name,
    part_changes,
)
from spotted.errors import DamagedError, InvalidInputError
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import store_pb2

_NAMES = "return redis.call('HKEYS', KEYS[1])"
# Sets fields of an upload that expires after ARGV[1] seconds.
_ADD = """
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def named_parts(event: store_pb2.SurveyEvent) -> Mapping[str, str]:
    """The name of the local features that an event stores -> their detection, "" for scores and normalisers.

    Raises ValueError for an event that does not have one key for each detection.
    """
    if event.HasField("local_scores"):
        return dict.fromkeys({event.local_scores.name, event.local_scores.normalisers} - {""}, "")
    added = event.local_features
    found = [added.keys[i : i + KEY_BYTES] for i in range(0, len(added.keys), KEY_BYTES)]
    if any(len(key) != KEY_BYTES for key in found):
        raise ValueError(f"its keys have {len(added.keys)} bytes, not {KEY_BYTES} for each detection")
    names = [feature_name(key) for key in found]
    return dict(zip(names, added.detection_ids, strict=True))


def read_parts(store: Store, survey_id: str, named: Mapping[str, str]) -> Iterator[pb.BackupLocalPart]:
    """Those of the named local features that the store has, undamaged."""
    found = cast("list[bytes]", store.script(_NAMES, writes=False)([keys.local_parts(survey_id)], []))
    names, parts = sorted({name.decode() for name in found} & named.keys()), LocalParts(store)
    for name in names:
        try:
            (content,) = parts.get(survey_id, [name])
        except DamagedError:
            continue
        if content is not None:
            yield pb.BackupLocalPart(name=name, content=content)


def check_part(part: pb.BackupLocalPart, named: Mapping[str, str]) -> None:
    """Raise InvalidInputError unless an event stored these local features.

    named: name -> detection, of all events of the survey.
    """
    detection_id = named.get(part.name)
    if detection_id is None or _name(detection_id, part) != part.name:
        raise InvalidInputError(f"no event of the survey stored the local features {part.name[:64]!r}")


def _name(detection_id: str, part: pb.BackupLocalPart) -> str:
    """The name that the content should have. detection_id: "" for scores and normalisers."""
    if not detection_id:
        return content_name(part.name[:1], part.content)
    return feature_name(feature_key(detection_id, part.content))


class PartsUpload:
    """The local features of a survey that is being restored. ttl_s: an interrupted upload expires."""

    def __init__(self, store: Store, survey_id: str, import_id: str, *, ttl_s: int) -> None:
        self.key = keys.restored_parts(survey_id, import_id)
        self.count = 0
        self._survey_id = survey_id
        self._ttl_s = ttl_s
        self._add = store.script(_ADD)
        self._parts = LocalParts(store)

    def add(self, part: pb.BackupLocalPart) -> None:
        """Upload one; each is uploaded once."""
        values = part_changes(self._survey_id, stored={part.name: part.content}).values
        self._add([self.key], [self._ttl_s, *(each for value in values.items() for each in value)])
        self.count += 1

    def require_stored(self, part: pb.BackupLocalPart) -> None:
        """Raise DamagedError unless the survey in the store has these local features."""
        (content,) = self._parts.get(self._survey_id, [part.name])
        if content != part.content:
            raise DamagedError(
                f"local features of survey {self._survey_id!r} are missing in the store; restore the file "
                "over the survey with `--over-damaged`"
            )
