"""Losses of training, and the objectives that apply them to a network.

arcface  sub-center ArcFace with a margin for each individual
"""

from spotted.training.losses.arcface import ArcFaceObjective, SubCenterArcFace, dynamic_margins

__all__ = ["ArcFaceObjective", "SubCenterArcFace", "dynamic_margins"]
