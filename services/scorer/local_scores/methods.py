"""The methods by which this process matches local features."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spotted.errors import PreconditionError
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import METHODS, MethodSpec

if TYPE_CHECKING:
    from spotted.local_features.manifests import MethodManifest
    from spotted.local_features.matching.by_name import PairMatcher


class MatchingMethods:
    """The methods that need no files, and those whose files are in a directory of models.

    Networks are read when they are first needed, and kept. models: None: no networks.
    """

    def __init__(self, models: Path | None = None) -> None:
        self._models = models
        self._manifests: dict[str, MethodManifest] = {}
        self._networks: dict[str, PairMatcher] = {}
        self._lock = threading.Lock()

    def spec(self, name: str) -> MethodSpec:
        """Everything on which features and scores of a method depend.

        Raises PreconditionError for a method that this process cannot match by.
        """
        return METHODS[name] if name in METHODS else self._manifest(name).spec

    def matcher(self, name: str, normalisers: Normalisers) -> PairMatcher:
        """The matcher of a method. normalisers: those of the survey.

        Raises PreconditionError as `spec`, or if the scores of the survey are of another network.
        """
        # onnxruntime and the matchers are slow to import, and many scorers match nothing
        from spotted.local_features.matching.by_name import open_matcher  # noqa: PLC0415

        spec = self.spec(name)
        if not spec.matcher_sha256:
            return open_matcher(spec, normalisers=normalisers)
        if normalisers.network != spec.matcher_sha256:
            raise PreconditionError(
                f"local scores of this survey are of another network than the one of {name!r} here; match "
                "all again, with `spotted match-marks SURVEY --renew`, or install the network that was used"
            )
        with self._lock:
            if name not in self._networks:
                self._networks[name] = self._opened(name)
            return self._networks[name]

    def _opened(self, name: str) -> PairMatcher:
        from services.common.local_methods import read_matcher  # noqa: PLC0415 - as above
        from spotted.local_features.matching.by_name import open_matcher  # noqa: PLC0415

        manifest = self._manifest(name)
        # a file that was replaced since the manifest was read is refused
        files = replace(read_matcher(self._models or Path(), name), manifest=manifest)
        return open_matcher(manifest.spec, files=files)

    def _manifest(self, name: str) -> MethodManifest:
        from services.common.local_methods import exported_methods, read_manifest  # noqa: PLC0415 - as above

        if name not in self._manifests:
            # the name comes from a caller: only one that is listed is part of a path
            found = sorted(exported_methods(self._models)) if self._models else []
            if self._models is None or name not in found:
                raise PreconditionError(
                    f"local features of method {name!r} cannot be matched by this scorer; extract them by "
                    f"{' or '.join(sorted({*METHODS, *found}))}, or export the method into its directory of "
                    "models"
                )
            self._manifests[name] = read_manifest(self._models, name)
        return self._manifests[name]
