"""Export of backbones to ONNX, checked against torch: at build time only, with the extra `export`.

Run `python -m services.embedder.export`.

architectures  the networks of the backbones, by name
pooling        feature maps to vectors by the maxima of regions
checkpoints    their weights, from a file, a hub or a package
runs           finished trainings of the user's own
onnx_export    a network as an ONNX file, and the check that both return the same features
cell_search    the last feature map of a network, and whether its vectors follow from it
variants       fp16 and int8 variants

Local methods have networks of their own: run `python -m services.embedder.export.local_methods`.

keypoint_networks  ALIKED, DISK and LightGlue in operators that the exporter knows
local_methods      the files of a local method, checked against torch
"""

from services.embedder.export.architectures import PixelFeatures

__all__ = ["PixelFeatures"]
