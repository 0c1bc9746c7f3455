"""Images to embeddings: decode, crop, resize, embed with a frozen backbone.

images.py     bytes to the pixels that a backbone reads
backbones.py  pixels to unit vectors, with a fingerprint of the file that made them
batching.py   concurrent callers to shared batches
pipeline.py   the three together: what the servicer calls
export.py     build time only: real weights to ONNX
"""
