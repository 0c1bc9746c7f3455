"""Losses of training, and the objectives that apply them to a network.

arcface  sub-center ArcFace with a margin for each individual
centers  centers taken over from an earlier training
"""

from spotted.training.losses.arcface import ArcFaceObjective, SubCenterArcFace, dynamic_margins
from spotted.training.losses.centers import adopt_centers

__all__ = ["ArcFaceObjective", "SubCenterArcFace", "adopt_centers", "dynamic_margins"]
