"""Training of backbones: from photographs to a network that the embedder serves.

pairs  temporal pairs of a survey, for learning without names
"""
