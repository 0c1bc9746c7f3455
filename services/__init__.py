"""The servers around the library: embedder, scorer and sampler, and what they share."""
