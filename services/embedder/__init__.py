"""The embedder: images to unit vectors by a frozen backbone, and adaptation heads on top of it.

servicer             the rpcs of EmbedderService
operations_servicer  the rpcs of OperationsService
wire                 requests to library values, results to responses
heat_wire            the same of heat maps
recipes              recipes of adaptation heads from their messages
images               image files to the pixels that a backbone reads
inference            pixels to unit vectors
references           reference images in the store
reports              reports of its parts on their work
counting             these reports as metrics and spans
training             trainings of adaptation heads, and their operations
export               backbones exported to ONNX (build time, needs torch)
segmenter_export     segmenters assembled from two graphs (build time)
offline              photographs of files embedded without a server
detection            animals found in whole photographs, in a process of its own

An Embed call goes through servicer, wire, inference.calls, inference.image_embedder and wire again.
"""
