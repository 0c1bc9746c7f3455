"""The embedder: images to unit vectors by a frozen backbone, and adaptation heads on top of them.

servicer             the rpcs of EmbedderService
operations_servicer  the rpcs of long-running operations
wire                 requests to library values, results to responses
images               image files to the pixels that a backbone reads
inference            pixels to unit vectors
training             trainings of adaptation heads
export               backbones exported to ONNX (build time, needs torch)
"""
