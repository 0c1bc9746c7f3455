"""Image files to the pixels that a backbone reads.

headers        size and format of a file, before its pixels are decoded
decoding       image files to upright pixels
photograph     an image file and its parts, as they are sent
resizing       crops to the square input of a backbone
tones          histogram equalisation, and matching to a reference image
masks          masks of the animal, as PNG or run lengths
segmenting     masks of the animal in a box, by an optional network
crop_network   a network that masks the animal in a crop
prompted_network  encoder and decoder that are prompted with the box
footprints     memory and time of an image, estimated from its header
separate_process  preparation of a costly image in a process of its own
parts          the parts of an image as they are embedded, with their local features
local_extraction  methods of local features
preprocessing  all steps in one frozen order
"""

from services.embedder.images.decoding import ByteArray, decode
from services.embedder.images.headers import MAX_PIXELS
from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.images.preprocessing import BYTES_PER_PIXEL, Preprocessing
from services.embedder.images.resizing import Aspect, Kernel
from services.embedder.images.segmenting import Segmenter, load_segmenter
from services.embedder.images.tones import Reference, Tone
from spotted.boxes.cropping import Box, FractionBox, PixelBox

__all__ = [
    "BYTES_PER_PIXEL",
    "MAX_PIXELS",
    "Aspect",
    "Box",
    "ByteArray",
    "CropPart",
    "FractionBox",
    "Kernel",
    "Mask",
    "Photograph",
    "PixelBox",
    "PngMask",
    "Preprocessing",
    "Reference",
    "RleMask",
    "Segmenter",
    "Tone",
    "decode",
    "load_segmenter",
]
