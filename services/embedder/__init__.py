"""Images to embeddings: decode, crop, resize, embed with a frozen backbone; learn and apply heads.

servicer              the rpcs
operations_servicer   the rpcs of long-running operations
wire                  requests checked, responses made
embedding             the crops of one call to outcomes, in the way that the call asks for
ordering              a stream of work, side by side and answered in order
pipeline              images, backbone and batcher together
preprocessing         an image file to the pixels that a backbone reads, by the five that follow
decoding              bytes to upright pixels
cropping              a box, turned or not
resizing              to the backbone's square
tones                 histograms equalised, or matched to a reference
masks, segmenting     what is not the animal is blanked
references            reference images in the store
backbones             pixels to unit vectors, with a fingerprint of the file that made them
devices               sessions on the CPU or a GPU, and the memory that they read from
batching              concurrent callers to shared batches
sharing               fair shares of the queue
training              trainings of heads, each in a process of its own
trainer               that process
head_file             a head as an ONNX file
operations            operations in the store

Build time only, with torch:
export                weights to an ONNX file, proven equal
architectures         the networks of the backbones by name
checkpoints           their weights, from a file, a hub or a package
tracing               a network to ONNX
variants              fp16 and int8
"""
