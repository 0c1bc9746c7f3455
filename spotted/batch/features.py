"""Local features of a survey as files, from which every process of a batch matches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spotted.arrays import IntArray
from spotted.batch.places import Place
from spotted.client.values import LocalFeatureSpec
from spotted.errors import NotFoundError
from spotted.local_features.features import LocalFeatures
from spotted.local_features.methods import MethodSpec, method_by_name
from spotted.matching.shortlists import FeatureRows

FEATURES = "features"
MANIFEST, CONTENT, ENDS = "manifest.json", "content.bin", "ends.npy"


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """The local features of a survey, opened from their files."""

    spec: LocalFeatureSpec
    """How they were made."""
    ends: IntArray
    """(n + 1,) byte at which the features of each row end; those of row i begin at `ends[i]`."""
    content: Path
    """File of all features, one after the other."""

    @property
    def method(self) -> MethodSpec:
        """Their method. Raises InvalidInputError if it is of a network."""
        return method_by_name(self.spec.method)

    def rows(self, owners: list[str]) -> FeatureRows:
        """The features by row. owners: the `owner_name` of each row."""
        ends = self.ends.tolist()
        content = np.memmap(self.content, np.uint8, mode="r") if ends[-1] else np.zeros(0, np.uint8)

        def features(row: int) -> LocalFeatures | None:
            part = content[ends[row] : ends[row + 1]]
            return LocalFeatures.from_bytes(part.tobytes()) if len(part) else None

        return FeatureRows(np.diff(self.ends) > 0, features, owners.__getitem__)


def write_features(place: Place, spec: LocalFeatureSpec, features: Iterable[bytes]) -> None:
    """Write the features of a survey, row by row; b"" for a row without."""
    with place.new_folder(FEATURES, MANIFEST) as directory:
        ends, digest = [0], hashlib.sha256()
        with (directory / CONTENT).open("wb") as file:
            for each in features:
                file.write(each)
                digest.update(each)
                ends.append(ends[-1] + len(each))
        np.save(directory / ENDS, np.array(ends, np.int64))
        manifest = {"spec": asdict(spec), "content": digest.hexdigest()}
        (directory / MANIFEST).write_text(json.dumps(manifest, sort_keys=True), encoding="utf-8")


def features_digest(place: Place) -> str:
    """The digest of the features in a place; "" if there are none."""
    try:
        return hashlib.sha256(place.read(f"{FEATURES}/{MANIFEST}")).hexdigest()
    except NotFoundError:
        return ""


def open_features(place: Place) -> StoredFeatures:
    """The features in a place. Raises NotFoundError if there are none."""
    directory = place.local(FEATURES)
    manifest = json.loads(place.read(f"{FEATURES}/{MANIFEST}"))
    return StoredFeatures(
        LocalFeatureSpec(**manifest["spec"]), np.load(directory / ENDS), directory / CONTENT
    )
