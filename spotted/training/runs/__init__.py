"""Finished trainings as folders, which become backbones of the embedder.

manifest  what was trained, how, and on what
folder    description, weights and page on the disk
card      the page about a trained network
doubtful  photographs whose name may be wrong
"""

from spotted.training.runs.card import write_card
from spotted.training.runs.folder import is_run, load_centers, load_network, read_run, write_run
from spotted.training.runs.manifest import RunManifest, SessionNames, SpeciesMetrics

__all__ = [
    "RunManifest",
    "SessionNames",
    "SpeciesMetrics",
    "is_run",
    "load_centers",
    "load_network",
    "read_run",
    "write_card",
    "write_run",
]
