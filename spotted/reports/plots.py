"""Figures of results as PNG or JPEG."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont, ImageOps

from spotted.arrays import Float32Array, Float64Array
from spotted.scoring.feasibility import compute_feasibility
from spotted.survey import Extent, Survey

# a palette for colour-blind readers (Okabe & Ito 2008)
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
# lines differ in more than their colour
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 3)))
RIGHT, WRONG, PLAIN = "#009E73", "#D55E00", "#7f7f7f"
THUMBNAIL = 150
FRAME = 5
CAPTION, LETTERS = 44, 15
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
    steps = {name: (np.arange(len(y) + 1.0), np.concatenate([[0.0], y])) for name, y in curves.items()}
    return share_found(steps, effort="questions answered")


def share_found(curves: Mapping[str, tuple[Float64Array, Float64Array]], *, effort: str) -> bytes:
    """Share of all true pairs known against an effort, which labels its axis, one curve per name, as PNG."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    _draw_curves(axes, curves)
    for recall in RECALLS:
        axes.axhline(recall, color=PLAIN, linewidth=0.6, linestyle=":")
        axes.annotate(
            f" {recall:.0%}", (1, recall), xycoords=("axes fraction", "data"), fontsize=9, va="center"
        )
    axes.set(xlabel=effort, ylabel="share of all true pairs known", ylim=(0, 1.02), xlim=(0, None))
    return _png(figure)


def cmc(curves: Mapping[str, Float64Array]) -> bytes:
    """Share of queries with the animal among the k best against k, one curve per score, as PNG."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    _draw_curves(axes, {name: (np.arange(1.0, len(share) + 1), share) for name, share in curves.items()})
    axes.set(xlabel="k", ylabel="share of queries found among the k best", ylim=(0, 1.02), xscale="log")
    axes.set_xticks([1, 5, 10, 20, 50], ["1", "5", "10", "20", "50"])
    return _png(figure)


def reliability(curves: Mapping[str, tuple[Float64Array, Float64Array]]) -> bytes:
    """Share of same pairs against mean probability, (bins,) each, one curve per score, as PNG."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=PLAIN, linewidth=0.6, linestyle=":")
    _draw_curves(axes, curves, marker="o")
    axes.set(xlabel="score taken as a probability", ylabel="share of pairs that are the same animal")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    return _png(figure)


def camera_map(
    survey: Survey, camera_ids: Sequence[str], times_s: Float64Array, individuals: Sequence[str]
) -> bytes:
    """Cameras, and the journeys between them of the animals seen most, as PNG.

    camera_ids, times_s, individuals: one per detection; "" for an unknown animal, which is left out.
    """
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    positions = {c.camera_id: (c.x_m, c.y_m) for c in survey.cameras.values() if c.has_position}
    every = np.array(list(positions.values()), dtype=np.float64).reshape(-1, 2) / KM_M
    corner = every.min(axis=0, initial=np.inf) if len(every) else np.zeros(2)
    axes.plot(*(every - corner).T, "^", color=PLAIN, markersize=5, label="camera")
    seen = Counter(one for one in individuals if one)
    most = sorted(seen, key=lambda one: (-seen[one], one))
    for name, colour, style in zip(most, COLOURS, STYLES, strict=False):
        rows = [row for row in np.argsort(times_s, kind="stable").tolist() if individuals[row] == name]
        visited = [positions[camera_ids[row]] for row in rows if camera_ids[row] in positions]
        if visited:
            _draw_journeys(axes, np.array(visited, dtype=np.float64) / KM_M - corner, name, colour, style)
    axes.set(xlabel="km to the east", ylabel="km to the north", aspect="equal")
    axes.margins(0.12)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return _png(figure)


def strip(pictures: Sequence[Thumbnail]) -> bytes:
    """Pictures side by side, as JPEG: right candidates green with a tick, wrong ones orange with a cross."""
    cell = THUMBNAIL + 2 * FRAME
    sheet = Image.new("RGB", (cell * len(pictures), cell + CAPTION), "white")
    pen = ImageDraw.Draw(sheet)
    letters = ImageFont.load_default(LETTERS)
    for index, picture in enumerate(pictures):
        frame = PLAIN if picture.same is None else RIGHT if picture.same else WRONG
        with Image.open(io.BytesIO(picture.image)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        # padded, not cropped, so that heads and tails at the edge stay visible
        shown = ImageOps.pad(upright, (THUMBNAIL, THUMBNAIL), color="white")
        sheet.paste(ImageOps.expand(shown, FRAME, frame), (index * cell, 0))
        if picture.same is not None:
            _draw_mark(pen, index * cell + FRAME, right=picture.same)
        for line, text in enumerate(picture.lines):
            at = (index * cell + FRAME, cell + 2 + (LETTERS + 4) * line)
            pen.text(at, text, fill="black", font=letters)
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=82)
    return content.getvalue()


def _draw_curves(
    axes: Axes, curves: Mapping[str, tuple[Float64Array, Float64Array]], *, marker: str = ""
) -> None:
    """Lines of different colours and styles, each with its name on it."""
    for index, (name, (x, y)) in enumerate(curves.items()):
        colour, style = COLOURS[index % len(COLOURS)], STYLES[index % len(STYLES)]
        axes.plot(x, y, linestyle=style, marker=marker, markersize=4, color=colour)
        # at another place of each curve, so that names of curves that meet stay apart
        at = int((index + 1) / (len(curves) + 1) * (len(x) - 1))
        axes.annotate(
            name,
            (x[at], y[at]),
            ha="center",
            va="center",
            fontsize=10,
            color="black",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": colour},
        )


def _draw_journeys(axes: Axes, path: Float64Array, name: str, colour: str, style: object) -> None:
    """The way of an animal: a square where it was first, a diamond where it was last, arrows between."""
    axes.plot(*path.T, linestyle=style, color=colour, linewidth=1.5, label=name)
    for start, end in pairwise(path):
        if not np.array_equal(start, end):
            arrow = {"arrowstyle": "-|>", "color": colour, "lw": 0, "mutation_scale": 18}
            axes.annotate("", (start + 2 * end) / 3, start, arrowprops=arrow)
    axes.plot(*path[0], "s", color=colour, markersize=7)
    axes.plot(*path[-1], "D", color=colour, markersize=7, markeredgecolor="black")


def _draw_mark(pen: ImageDraw.ImageDraw, left: int, *, right: bool) -> None:
    """A tick or a cross in the upper left corner of a picture."""
    pen.rectangle((left, FRAME, left + 24, FRAME + 24), fill="white")
    tick, cross = [((4, 12), (10, 19)), ((10, 19), (20, 5))], [((5, 5), (19, 19)), ((19, 5), (5, 19))]
    for (x0, y0), (x1, y1) in tick if right else cross:
        ends = (left + x0, FRAME + y0, left + x1, FRAME + y1)
        pen.line(ends, fill=RIGHT if right else WRONG, width=4)


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()
