"""Pixels to unit vectors.

backbones       a frozen backbone, identified by its file's digest
devices         sessions on a CPU or GPU
limits          how much is done and admitted at once
batching        batches shared by concurrent callers
pending         items that wait for the results of their parts
fair_queue      fair shares of the queue between surveys
decoding_budget  memory for decoding, shared by all images
slow_lane       slow images leave a worker to quick ones
cell_maps       how the vector of a backbone follows from its last feature map
image_embedder  preprocessing, backbone and batches together
stored          heads and references as calls need them
calls           an Embed call resolved against the loaded backbones
heat_maps       two crops compared cell by cell
ordered_stream  a stream processed concurrently and answered in order
"""

from services.common.memory import MIB
from services.embedder.inference.backbones import (
    MANIFEST_FILE,
    MODEL_FILE,
    Backbone,
    Manifest,
    is_intact,
    load_backbone,
    preprocessing,
    read_manifest,
)
from services.embedder.inference.calls import (
    CropResult,
    EmbedCall,
    Embedders,
    EmbedOptions,
    NamedPhotograph,
)
from services.embedder.inference.devices import INPUT, OUTPUT, Lane, open_session
from services.embedder.inference.image_embedder import Embedding, EmbedPlan, ImageEmbedder, limits_for
from services.embedder.inference.ordered_stream import in_order
from services.embedder.inference.pending import Timings
from services.embedder.inference.stored import Stores

__all__ = [
    "INPUT",
    "MANIFEST_FILE",
    "MIB",
    "MODEL_FILE",
    "OUTPUT",
    "Backbone",
    "CropResult",
    "EmbedCall",
    "EmbedOptions",
    "EmbedPlan",
    "Embedders",
    "Embedding",
    "ImageEmbedder",
    "Lane",
    "Manifest",
    "NamedPhotograph",
    "Stores",
    "Timings",
    "in_order",
    "is_intact",
    "limits_for",
    "load_backbone",
    "open_session",
    "preprocessing",
    "read_manifest",
]
