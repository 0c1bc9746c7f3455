"""Backbones exported to ONNX and proven equal to torch: build time only, needs the extra `export`.

Run it with `python -m services.embedder.export`.

architectures  the networks of the backbones, by name
checkpoints    their weights, from a file, a hub or a package
onnx_export    a network to ONNX, and the proof that both give the same features
variants       fp16 and int8 variants
"""

from services.embedder.export.architectures import IMAGENET_MEAN, IMAGENET_STD, LITE0, PixelFeatures

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "LITE0", "PixelFeatures"]
