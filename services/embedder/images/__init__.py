"""Image files to the pixels that a backbone reads.

decoding       bytes to upright pixels
cropping       the box of the animal, turned or not
resizing       crops to the backbone's square
tones          histogram equalisation, and matching to a reference image
masks          which pixels show the animal
segmenting     an optional network that finds these pixels
references     reference images in the store
preprocessing  all steps in one frozen order
"""

from services.embedder.images.cropping import Box, FractionBox, PixelBox
from services.embedder.images.decoding import MAX_PIXELS, ByteArray, decode
from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.preprocessing import BYTES_PER_PIXEL, ImageCrop, Preprocessing
from services.embedder.images.references import ReferenceStore
from services.embedder.images.resizing import Aspect, Kernel
from services.embedder.images.segmenting import Segmenter, load_segmenter
from services.embedder.images.tones import Reference, Tone

__all__ = [
    "BYTES_PER_PIXEL",
    "MAX_PIXELS",
    "Aspect",
    "Box",
    "ByteArray",
    "FractionBox",
    "ImageCrop",
    "Kernel",
    "Mask",
    "PixelBox",
    "PngMask",
    "Preprocessing",
    "Reference",
    "ReferenceStore",
    "RleMask",
    "Segmenter",
    "Tone",
    "decode",
    "load_segmenter",
]
