"""Figures of results as PNG or JPEG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageOps

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.scoring.feasibility import compute_feasibility
from spotted.survey import Extent, Survey

# a palette for colour-blind readers (Okabe & Ito 2008)
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
RIGHT, WRONG, PLAIN = "#009E73", "#D55E00", "#7f7f7f"
THUMBNAIL = 150
FRAME = 5
CAPTION = 30
RECALLS = (0.90, 0.95, 0.99)
DAY_S, HOUR_S, KM_M = 86_400.0, 3600.0, 1000.0


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture in a strip."""

    image: bytes
    """Encoded image."""
    lines: tuple[str, str]
    """Two short lines below it."""
    same: bool | None
    """Whether it shows the animal of the query; None for the query itself."""


def feasibility_surface(extent: Extent, *, decay: float = 1.0) -> bytes:
    """Feasibility over distance (km) and time gap (h) within a survey's extent, as PNG."""
    distance_m = np.linspace(0, max(extent.distance_m, 1.0), 160)
    gap_s = np.geomspace(HOUR_S / 4, max(extent.span_s, HOUR_S), 160)
    score = compute_feasibility(distance_m[None, :], gap_s[:, None], extent, decay=decay)
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(
        distance_m / KM_M, gap_s / HOUR_S, score, cmap="viridis", vmin=0, vmax=1, rasterized=True
    )
    lines = axes.contour(
        distance_m / KM_M, gap_s / HOUR_S, score, [0.1, 0.5, 0.9], colors="white", linewidths=0.8
    )
    axes.set(yscale="log", xlabel="distance between cameras, km", ylabel="time between captures, h")
    # contour levels are marked on the colour bar because labels on the lines may be cut off
    figure.colorbar(mesh, label="feasibility").add_lines(lines)
    return _png(figure)


def similarity_matrices(
    visual: Float32Array, fused: Float32Array, individuals: Sequence[str], *, appearance: str = "visual"
) -> bytes:
    """The (n, n) scores before and after fusion, detections ordered by individual, as PNG.

    appearance: name of the similarity in the title.
    """
    order = np.argsort(np.array(individuals), kind="stable")
    figure = Figure(figsize=(8.4, 4.0), layout="constrained")
    for axes, scores, title in zip(
        figure.subplots(1, 2),
        (visual, fused),
        (f"{appearance} similarity", "fused with feasibility"),
        strict=True,
    ):
        mesh = axes.imshow(
            scores[np.ix_(order, order)], cmap="magma", vmin=0, vmax=1, interpolation="nearest"
        )
        axes.set(title=title, xlabel="detection, ordered by individual", ylabel="detection")
    figure.colorbar(mesh, ax=figure.axes, label="score", shrink=0.85)
    return _png(figure)


def matches_found(curves: Mapping[str, Float64Array]) -> bytes:
    """Share of all true pairs known against questions answered, one curve per strategy, as PNG."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for (strategy, share), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(np.arange(len(share) + 1), np.concatenate([[0.0], share]), label=strategy, color=colour)
    for recall in RECALLS:
        axes.axhline(recall, color=PLAIN, linewidth=0.6, linestyle=":")
        axes.annotate(
            f" {recall:.0%}", (1, recall), xycoords=("axes fraction", "data"), fontsize=7, va="center"
        )
    axes.set(
        xlabel="questions answered", ylabel="share of all true pairs known", ylim=(0, 1.02), xlim=(0, None)
    )
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def cmc(curves: Mapping[str, Float64Array]) -> bytes:
    """Share of queries with the animal among the k best against k, one curve per score, as PNG."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for (score, share), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(np.arange(1, len(share) + 1), share, label=score, color=colour)
    axes.set(xlabel="k", ylabel="share of queries found among the k best", ylim=(0, 1.02), xscale="log")
    axes.set_xticks([1, 5, 10, 20, 50], ["1", "5", "10", "20", "50"])
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def reliability(curves: Mapping[str, tuple[Float64Array, Float64Array]]) -> bytes:
    """Share of same pairs against mean probability, (bins,) each, one curve per score, as PNG."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=PLAIN, linewidth=0.6, linestyle=":")
    for (score, (mean, share)), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(mean, share, "o-", markersize=4, label=score, color=colour)
    axes.set(xlabel="score taken as a probability", ylabel="share of pairs that are the same animal")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def camera_map(survey: Survey, camera_ids: Sequence[str], times_s: Float64Array, animals: IntArray) -> bytes:
    """Cameras, and the journeys between them of the animals seen most, as PNG.

    camera_ids, times_s, animals: one per detection; an animal below 0 is unknown and left out.
    """
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    positions = {c.camera_id: (c.x_m, c.y_m) for c in survey.cameras.values() if c.has_position}
    every = np.array(list(positions.values()), dtype=np.float64).reshape(-1, 2) / KM_M
    axes.plot(every[:, 0], every[:, 1], "^", color=PLAIN, markersize=5)
    seen = np.bincount(animals[animals >= 0], minlength=1)
    for animal, colour in zip(np.argsort(-seen, kind="stable").tolist(), COLOURS, strict=False):
        rows = np.flatnonzero(animals == animal)
        rows = rows[np.argsort(times_s[rows], kind="stable")]
        visited = [camera_ids[r] for r in rows.tolist()]
        path = np.array([positions[c] for c in visited if c in positions], dtype=np.float64)
        if len(path):
            axes.plot(
                path[:, 0] / KM_M, path[:, 1] / KM_M, "o-", color=colour, markersize=3, linewidth=1, alpha=0.8
            )
    axes.set(xlabel="easting, km", ylabel="northing, km", aspect="equal")
    axes.set_title("journeys of the most photographed animals", fontsize=9)
    return _png(figure)


def strip(pictures: Sequence[Thumbnail]) -> bytes:
    """Pictures side by side, as JPEG: a query in a plain frame, right candidates green, wrong ones red."""
    cell = THUMBNAIL + 2 * FRAME
    sheet = Image.new("RGB", (cell * len(pictures), cell + CAPTION), "white")
    pen = ImageDraw.Draw(sheet)
    for index, picture in enumerate(pictures):
        frame = PLAIN if picture.same is None else RIGHT if picture.same else WRONG
        with Image.open(io.BytesIO(picture.image)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        # padded, not cropped, so that heads and tails at the edge stay visible
        shown = ImageOps.pad(upright, (THUMBNAIL, THUMBNAIL), color="white")
        sheet.paste(ImageOps.expand(shown, FRAME, frame), (index * cell, 0))
        for line, text in enumerate(picture.lines):
            pen.text((index * cell + FRAME, cell + 2 + 13 * line), text, fill="black")
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=82)
    return content.getvalue()


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()
