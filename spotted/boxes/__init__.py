"""Boxes of animals in images: from the outputs of object detectors, and as the part of an image to cut out.

cropping     the box of the animal, upright or turned
placement    where an image lies in the input of a detector, and the way back to the image
outputs      the outputs of a detector as boxes, in the forms in which detectors are exported
suppression  repeated boxes of one object removed
"""

from spotted.boxes.cropping import Box, CropWindow, FractionBox, PixelBox, locate
from spotted.boxes.outputs import FORMS, FoundBoxes, OutputForm, ScoreKind, read_outputs, rows_of_image
from spotted.boxes.placement import FITS, Fit, Placement, place
from spotted.boxes.suppression import suppress

__all__ = [
    "FITS",
    "FORMS",
    "Box",
    "CropWindow",
    "Fit",
    "FoundBoxes",
    "FractionBox",
    "OutputForm",
    "PixelBox",
    "Placement",
    "ScoreKind",
    "locate",
    "place",
    "read_outputs",
    "rows_of_image",
    "suppress",
]
