"""The local methods with networks of a machine: their files in the directory of models.

MODELS/local/NAME holds the manifest and the networks of a method, as `spotted.local_features.manifests`
describes them. The embedder extracts with one network, the scorer matches with the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spotted.errors import PreconditionError
from spotted.local_features.manifests import (
    EXTRACTOR_FILE,
    MANIFEST_FILE,
    MATCHER_FILE,
    MethodFiles,
    MethodManifest,
)

FOLDER = "local"


def directory_of(models: Path, name: str) -> Path:
    """The directory of the files of a method."""
    return models / FOLDER / name


def exported_methods(models: Path) -> Iterator[str]:
    """The names of the methods whose files are in a directory of models."""
    return (path.parent.name for path in sorted((models / FOLDER).glob(f"*/{MANIFEST_FILE}")))


def read_manifest(models: Path, name: str) -> MethodManifest:
    """The manifest of a method. Raises PreconditionError if there is none, or it describes another one."""
    directory = directory_of(models, name)
    manifest = MethodManifest.from_json(_read(directory / MANIFEST_FILE, name).decode())
    if manifest.name != name:
        raise PreconditionError(
            f"{directory / MANIFEST_FILE} describes the local method {manifest.name!r}; name the directory so"
        )
    return manifest


def read_extractor(models: Path, name: str) -> MethodFiles:
    """The files of a method without its matcher. Raises PreconditionError as `read_manifest`."""
    content = _read(directory_of(models, name) / EXTRACTOR_FILE, name)
    return MethodFiles(read_manifest(models, name), extractor=content)


def read_matcher(models: Path, name: str) -> MethodFiles:
    """The files of a method without its extractor. Raises PreconditionError as `read_manifest`."""
    manifest = read_manifest(models, name)
    if not manifest.matcher_sha256:
        return MethodFiles(manifest)
    return MethodFiles(manifest, matcher=_read(directory_of(models, name) / MATCHER_FILE, name))


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PreconditionError(
            f"local method {name!r} is not installed here: {path} cannot be read ({type(error).__name__}); "
            "export it into the directory of models, as docs/local-features.md says"
        ) from error
