"""Object detectors as files: their description, and what they found.

manifest  the description beside the ONNX file of a detector
results   what a detector found, kept photograph by photograph, and written as JSON of MegaDetector
"""

from spotted.formats.detectors.manifest import (
    DETECTOR_FILE,
    DETECTOR_MANIFEST,
    DetectorManifest,
    read_detector_manifest,
)
from spotted.formats.detectors.results import (
    DetectionResults,
    FoundAnimals,
    FoundBox,
    Photograph,
    write_megadetector,
)

__all__ = [
    "DETECTOR_FILE",
    "DETECTOR_MANIFEST",
    "DetectionResults",
    "DetectorManifest",
    "FoundAnimals",
    "FoundBox",
    "Photograph",
    "read_detector_manifest",
    "write_megadetector",
]
