"""The changes of the detections of a survey after they were added: which left, returned or were corrected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# an image, by its id and the digest of the vector that shows it
Image = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class DetectionChange:
    """The present state of a detection that was deleted, added again or corrected."""

    detection_id: str
    stored: bool
    """False if the survey has no such detection now."""
    version: int
    """Which of its images it has, or had last, counted from 0 in the order of their first appearance."""


class DetectionHistory:
    """The detections that changed after they were added.

    A detection that has only been added takes no memory here. One that is added again, or corrected back to
    an earlier image and vector, has the version of that time again.
    """

    def __init__(self) -> None:
        self._images: dict[str, list[Image]] = {}
        self._versions: dict[str, int] = {}
        self._gone: set[str] = set()
        # detection id -> revision of its last change, oldest first
        self._changed: dict[str, int] = {}

    def add(self, detection_id: str, image: Image, revision: int) -> None:
        """Record that a detection was added; only one that was there before is a change."""
        if detection_id in self._gone:
            self._gone.remove(detection_id)
            self._see(detection_id, image, revision)

    def correct(self, detection_id: str, before: Image, after: Image, revision: int) -> None:
        """Record that a detection was corrected, with the image it had and the one it has now."""
        if before != after:
            self._images.setdefault(detection_id, [before])
        if detection_id in self._images:
            self._see(detection_id, after, revision)
        else:
            self._mark(detection_id, revision)

    def remove(self, detection_id: str, image: Image, revision: int) -> None:
        """Record that a detection was deleted, with the image it had."""
        self._images.setdefault(detection_id, [image])
        self._gone.add(detection_id)
        self._mark(detection_id, revision)

    def version(self, detection_id: str) -> int:
        """Which of its images a detection has."""
        return self._versions.get(detection_id, 0)

    def versions(self) -> dict[str, int]:
        """Version of each detection of the survey that does not have its first image."""
        return {i: v for i, v in self._versions.items() if v and i not in self._gone}

    def since(self, revision: int) -> Iterator[DetectionChange]:
        """The detections that changed after a revision, the last change first."""
        for detection_id, changed in reversed(self._changed.items()):
            if changed <= revision:
                return
            yield DetectionChange(detection_id, detection_id not in self._gone, self.version(detection_id))

    def _see(self, detection_id: str, image: Image, revision: int) -> None:
        images = self._images[detection_id]
        if image not in images:
            images.append(image)
        self._versions[detection_id] = images.index(image)
        self._mark(detection_id, revision)

    def _mark(self, detection_id: str, revision: int) -> None:
        self._changed.pop(detection_id, None)
        self._changed[detection_id] = revision
