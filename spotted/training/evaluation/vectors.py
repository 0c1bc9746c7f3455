"""Vectors of crops by a network in training, as the embedder computes them once it is exported."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import nn

from spotted.arrays import ByteArray, Float32Array
from spotted.training.networks import NetworkSpec

BATCH = 64


def embed_crops(
    network: nn.Module, crops: ByteArray, spec: NetworkSpec, *, batch_size: int = BATCH, device: str = "cpu"
) -> Float32Array:
    """Unit vectors (n, d) of crops (n, size, size, 3). The network is in the mode that it had, afterwards.

    >>> from spotted.training.networks import EmbeddingNetwork
    >>> flat = EmbeddingNetwork(nn.Flatten(), nn.Identity(), nn.Identity(), dimension=3)
    >>> spec = NetworkSpec(image_size=1, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0))
    >>> embed_crops(flat, np.array([[[[0, 255, 0]]]], dtype=np.uint8), spec).tolist()
    [[0.0, 1.0, 0.0]]
    """
    mean, std = (torch.tensor(colour, device=device).view(3, 1, 1) for colour in (spec.mean, spec.std))
    was_training = network.training
    network.eval().to(device)
    found = []
    with torch.inference_mode():
        for start in range(0, len(crops), batch_size):
            pixels = torch.from_numpy(np.array(crops[start : start + batch_size])).to(device)
            normalised = (pixels.permute(0, 3, 1, 2).to(torch.float32) - mean) / std
            vectors = cast("torch.Tensor", network(normalised))
            found.append(nn.functional.normalize(vectors.to(torch.float32), dim=1).cpu().numpy())
    network.train(was_training)
    return np.concatenate(found)
