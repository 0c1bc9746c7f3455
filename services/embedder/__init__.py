"""Images to embeddings: decode, crop, resize, embed with a frozen backbone; learn and apply heads.

servicer              the rpcs
operations_servicer   the rpcs of long-running operations
wire                  requests checked, responses made
embedding             the crops of one call to outcomes
pipeline              images, backbone and batcher together
images                bytes to the pixels that a backbone reads
backbones             pixels to unit vectors, with a fingerprint of the file that made them
batching              concurrent callers to shared batches
training              trainings of heads, each in a process of its own
trainer               that process
head_file             a head as an ONNX file
operations            operations in the store
export                build time only: real weights to ONNX
"""
