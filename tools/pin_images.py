"""Pin the images of a Kubernetes overlay by the digests that a registry has for their tags now.

Writes an overlay beside it, OVERLAY-pinned, with the same objects and a digest for every image. The digest is
the SHA-256, computed here, of the manifest that a command prints.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import yaml

from spotted.errors import InvalidInputError, SpottedError

# prints the manifest of an image, of all its platforms if it has several
MANIFEST = "docker buildx imagetools inspect --raw"
HEADER = """# Written by `python -m tools.pin_images`: every image by the digest of its tag.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
"""


@click.command()
@click.argument("overlay", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--command", default=MANIFEST, show_default=True, help="Prints an image's manifest as it is.")
def main(overlay: Path, command: str) -> None:
    """Write OVERLAY-pinned: the objects of OVERLAY with their images pinned by digest."""
    try:
        pinned = digests(overlay.resolve(), shlex.split(command))
    except SpottedError as error:
        sys.exit(f"{error}")
    click.echo(f"{write(overlay.resolve(), pinned)}:")
    for image, digest in pinned.items():
        click.echo(f"{image} {digest}")


def digests(overlay: Path, command: list[str]) -> dict[str, str]:
    """The digest of each image of an overlay by its name and tag. Raises InvalidInputError."""
    kubectl = str(Path(sys.executable).parent / "kubectl")
    done = subprocess.run([kubectl, "kustomize", overlay], check=False, capture_output=True, text=True)
    if done.returncode:
        raise InvalidInputError(f"{overlay} cannot be rendered: {done.stderr.strip()}")
    images = sorted(set(_images(list(yaml.safe_load_all(done.stdout)))))
    return {image: _digest(image, command) for image in images if "@" not in image}


def write(overlay: Path, pinned: Mapping[str, str]) -> Path:
    """Write the overlay with digests; returns its directory."""
    directory = overlay.with_name(f"{overlay.name}-pinned")
    directory.mkdir(exist_ok=True)
    lines = [f"  # {image}\n  - name: {_name(image)}\n    digest: {each}\n" for image, each in pinned.items()]
    text = f"{HEADER}resources:\n  - ../{overlay.name}\nimages:\n{''.join(lines)}"
    (directory / "kustomization.yaml").write_text(text)
    return directory


def _images(rendered: object) -> Iterator[str]:
    """The images of all containers."""
    if isinstance(rendered, dict):
        for key, value in rendered.items():
            if key in {"containers", "initContainers"}:
                yield from (container["image"] for container in value)
            else:
                yield from _images(value)
    elif isinstance(rendered, list):
        for each in rendered:
            yield from _images(each)


def _digest(image: str, command: list[str]) -> str:
    done = subprocess.run([*command, image], check=False, capture_output=True)
    if done.returncode or not done.stdout:
        raise InvalidInputError(
            f"`{shlex.join(command)} {image}` failed: {done.stderr.decode(errors='replace').strip()}; push "
            "the image, log in to its registry, or choose another --command"
        )
    return f"sha256:{hashlib.sha256(done.stdout).hexdigest()}"


def _name(image: str) -> str:
    """The image without its tag; a registry may have a port."""
    name, colon, tag = image.rpartition(":")
    return name if colon and "/" not in tag else image


if __name__ == "__main__":
    main()
