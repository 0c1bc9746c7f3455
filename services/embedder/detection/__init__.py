"""Animals in whole photographs, found by an object detector.

Run `python -m services.embedder.detection`: `spotted detect` starts it as a process of its own.

detectors       an ONNX detector with its description
image_detector  image files to boxes, decoded and batched as for embeddings
lines           the photographs of a run, and what was found in each, as lines of JSON
"""

from services.embedder.detection.detectors import Detector, PreparedImage, load_detector
from services.embedder.detection.image_detector import ImageDetector
from services.embedder.detection.lines import detect_lines, read_paths

__all__ = ["Detector", "ImageDetector", "PreparedImage", "detect_lines", "load_detector", "read_paths"]
