"""A survey that is imported again: the differences from its files, shown and carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from spotted.client import SurveyHandle
from spotted.client.differences import (
    LINK,
    Differences,
    FieldChange,
    changed_fields,
    changed_images,
    compare_cameras,
    compare_detections,
    wide_enough,
)
from spotted.client.ingest import boxed
from spotted.console import option_word, with_unit
from spotted.errors import InvalidInputError
from spotted.formats.imported_survey import ImportedSurvey
from spotted.survey import ImageBox, Side

# most ids of one deletion
BLOCK = 10_000
REFUSED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences of a stored survey from its files."""

    survey: tuple[FieldChange, ...]
    """The survey's own fields that differ."""
    cameras: Differences
    detections: Differences

    def __bool__(self) -> bool:
        """Whether anything differs, besides detections that are still to be embedded."""
        parts = self.detections.changed, self.detections.removed
        return bool(self.survey or self.cameras or any(parts))

    @property
    def moved(self) -> bool:
        """Whether nothing differs but the paths of the images."""
        fields = {change.name for changes in self.detections.changed.values() for change in changes}
        return not (self.survey or self.cameras or self.detections.removed) and fields <= {LINK}

    @property
    def removed(self) -> tuple[str, ...]:
        """Ids that the files no longer have: detections, then cameras."""
        return self.detections.removed + self.cameras.removed

    def removal_text(self) -> str:
        """The number of detections and cameras that the files no longer have."""
        return (
            f"{with_unit(len(self.detections.removed), 'detection')} and "
            f"{with_unit(len(self.cameras.removed), 'camera')}"
        )


def read_changes(handle: SurveyHandle, imported: ImportedSurvey) -> Changes:
    """Compare a stored survey with its files."""
    info, survey = handle.info(), imported.survey
    own = [("display_name", info.display_name, survey.display_name)]
    if survey.time_zone:
        own += [("time_zone", info.time_zone, survey.time_zone)]
    own += [("start", _instant(info.start_s), _instant(survey.start_s))]
    own += [("end", _instant(info.end_s), _instant(survey.end_s))]
    return Changes(
        tuple(FieldChange(*each) for each in own if each[1] != each[2]),
        compare_cameras(handle.cameras(), survey.cameras.values()),
        compare_detections(handle.detections(), map(boxed, imported.pictures)),
    )


def apply_changes(
    handle: SurveyHandle, imported: ImportedSurvey, changes: Changes, *, delete_removed: bool
) -> None:
    """Carry the differences out; detections with another image wait until they are embedded.

    Raises InvalidInputError if corrections are refused; the others are carried out.
    """
    survey, info = imported.survey, handle.info()
    if changes.survey:
        # while detections are corrected, some lie in the old period and some in the new one
        handle.update(
            display_name=survey.display_name,
            start_s=min(info.start_s, survey.start_s),
            end_s=max(info.end_s, survey.end_s),
            time_zone=survey.time_zone or None,
        )
    stored = {camera.camera_id: camera for camera in handle.cameras()}
    present = list(survey.cameras.values())
    wide = wide_enough(stored, present)
    if changes.cameras.added or changes.cameras.changed:
        handle.upsert_cameras(wide)
    if delete_removed:
        for block in _blocks(changes.detections.removed):
            handle.delete_detections(block)
    _correct(handle, imported, changes.detections)
    if not changed_images(changes.detections):
        # detections with another image may still lie in the old period
        if wide != present:
            handle.upsert_cameras(present)
        if changes.survey:
            handle.update(start_s=survey.start_s, end_s=survey.end_s)
    if delete_removed:
        for block in _blocks(changes.cameras.removed):
            handle.delete_cameras(block)


def document(changes: Changes) -> dict[str, object]:
    """The differences as a JSON document."""
    return {
        "survey": _fields(changes.survey),
        "cameras": _differences(changes.cameras),
        "detections": _differences(changes.detections),
        "to_embed_again": changed_images(changes.detections),
    }


def lines(changes: Changes) -> Iterator[str]:
    """The differences as lines of text, one for each row and field; new detections are only counted."""
    for change in changes.survey:
        yield f"changed: {_text(change)}"
    for kind, differences in (("camera", changes.cameras), ("detection", changes.detections)):
        if differences.added:
            yield f"added: {with_unit(len(differences.added), kind)}, such as {differences.added[0]!r}"
        for item_id, fields in differences.changed.items():
            for change in fields:
                yield f"changed: {kind} {item_id!r}: {_text(change)}"
        for item_id in differences.removed:
            yield f"removed: {kind} {item_id!r}"


def _correct(handle: SurveyHandle, imported: ImportedSurvey, differences: Differences) -> None:
    detections = {picture.detection.detection_id: boxed(picture) for picture in imported.pictures}
    refused = []
    for names, ids in changed_fields(differences).items():
        result = handle.update_detections([detections[i] for i in ids], names)
        refused += [one.message for one in result.rejected]
    if refused:
        raise InvalidInputError(
            f"{with_unit(len(refused), 'correction')} refused, the others were carried out: "
            + "; ".join(refused[:REFUSED_SHOWN])
        )


def _blocks(ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ids), BLOCK):
        yield ids[start : start + BLOCK]


def _differences(differences: Differences) -> dict[str, object]:
    return {
        "added": list(differences.added),
        "changed": {i: _fields(changes) for i, changes in differences.changed.items()},
        "removed": list(differences.removed),
    }


def _fields(changes: tuple[FieldChange, ...]) -> dict[str, dict[str, object]]:
    return {
        change.name: {"stored": _plain(change.stored), "present": _plain(change.present)}
        for change in changes
    }


def _plain(value: object) -> object:
    if isinstance(value, ImageBox):
        return [value.x, value.y, value.width, value.height]
    return option_word(value) if isinstance(value, Side) else value


def _text(change: FieldChange) -> str:
    show = _instant if change.name.endswith("_s") else _value
    return f"{change.name.removesuffix('_s')} {show(change.stored)} -> {show(change.present)}"


def _value(value: object) -> str:
    return option_word(value) if isinstance(value, Side) else repr(value)


def _instant(seconds: object) -> str:
    """UTC seconds since 1970 as a date and time; other values as they are."""
    if not isinstance(seconds, float):
        return "unknown" if seconds is None else str(seconds)
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
