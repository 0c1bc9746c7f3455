"""The programs that a survey can be written for, by the words of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from spotted.formats.exports.camtrap_dp import camtrap_dp_files
from spotted.formats.exports.camtrapr import camtrapr_files
from spotted.formats.exports.jags import jags_files
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.exports.oscr import oscr_files
from spotted.formats.exports.secr import secr_files
from spotted.formats.exports.wildbook import wildbook_files

TARGETS: Mapping[str, Callable[[Material], ExportFiles]] = MappingProxyType(
    {
        "camtrap-dp": camtrap_dp_files,
        "camtrapr": camtrapr_files,
        "jags": jags_files,
        "oscr": oscr_files,
        "secr": secr_files,
        "wildbook": wildbook_files,
    }
)
