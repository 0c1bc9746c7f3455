"""The differences between a survey as stored and as files describe it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from spotted import messages
from spotted.survey import Camera, Detection

ItemT = TypeVar("ItemT", Camera, Detection)

# a stored vector shows the stored image and box
IMAGE = frozenset({"image_id", "box"})
# a link to the image, which may have moved
LINK = "image_uri"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that has another value in the files."""

    name: str
    """The field of `Camera` or `Detection`."""
    stored: object
    """Its value in the survey."""
    present: object
    """Its value in the files."""


@dataclass(frozen=True, slots=True)
class Differences:
    """The rows of one kind that were added, changed and removed in the files."""

    added: tuple[str, ...]
    """Ids that the survey does not have."""
    changed: Mapping[str, tuple[FieldChange, ...]]
    """By id, in the order of the files."""
    removed: tuple[str, ...]
    """Ids that the files do not have, in the order of the survey."""

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.changed or self.removed)


def compare_cameras(stored: Iterable[Camera], present: Iterable[Camera]) -> Differences:
    """The differences of the cameras, compared as the services store them.

    >>> compare_cameras([Camera("A", 0.0, 0.0)], [Camera("A", 0.0, 5.0)]).changed["A"]
    (FieldChange(name='y_m', stored=0.0, present=5.0),)
    """
    as_stored = [messages.camera(messages.camera_message(camera)) for camera in present]
    return _compare({c.camera_id: c for c in stored}, {c.camera_id: c for c in as_stored})


def compare_detections(stored: Iterable[Detection], present: Iterable[Detection]) -> Differences:
    """The differences of the detections, compared as the services store them."""
    as_stored = [messages.detection(messages.detection_message(d)) for d in present]
    return _compare({d.detection_id: d for d in stored}, {d.detection_id: d for d in as_stored})


def changed_fields(differences: Differences) -> dict[tuple[str, ...], list[str]]:
    """Ids by the fields that changed, without those of a changed image, which also need a new vector."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for item_id, changes in differences.changed.items():
        names = tuple(change.name for change in changes)
        if IMAGE.isdisjoint(names):
            groups.setdefault(names, []).append(item_id)
    return groups


def changed_images(differences: Differences) -> list[str]:
    """Ids of the detections that have another image or box, so that they must be embedded again."""
    return [
        i for i, changes in differences.changed.items() if not IMAGE.isdisjoint(one.name for one in changes)
    ]


def wide_enough(stored: Mapping[str, Camera], present: Sequence[Camera]) -> list[Camera]:
    """The present cameras with periods that contain those of the stored ones.

    While detections are corrected, some lie in the old period and some in the new one.
    """
    return [
        replace(
            camera,
            start_s=_earliest(camera.start_s, stored[camera.camera_id].start_s),
            end_s=_latest(camera.end_s, stored[camera.camera_id].end_s),
        )
        if camera.camera_id in stored
        else camera
        for camera in present
    ]


def _compare(stored: Mapping[str, ItemT], present: Mapping[str, ItemT]) -> Differences:
    changed = {}
    for item_id, item in present.items():
        changes = _changes(stored[item_id], item) if item_id in stored else ()
        if changes:
            changed[item_id] = changes
    return Differences(
        tuple(i for i in present if i not in stored), changed, tuple(i for i in stored if i not in present)
    )


def _changes(stored: ItemT, present: ItemT) -> tuple[FieldChange, ...]:
    pairs = ((f.name, getattr(stored, f.name), getattr(present, f.name)) for f in fields(stored))
    return tuple(FieldChange(*pair) for pair in pairs if pair[1] != pair[2])


def _earliest(first: float | None, second: float | None) -> float | None:
    # None: open
    return None if first is None or second is None else min(first, second)


def _latest(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else max(first, second)
