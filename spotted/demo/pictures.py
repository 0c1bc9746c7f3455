"""Pictures of simulated detections: a drawn, spotted quadruped in the vegetation of its camera.

Each individual has two coats, one per flank, drawn from its own random numbers; all animals have the same
shape. Wherever such a picture is shown it must be called simulated.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from spotted.simulation.survey import Shot
from spotted.survey import Side

WIDTH, HEIGHT = 320, 240
# animals are drawn large and shrunk, which smooths their edges
CANVAS = (480, 320)
BODY = (110, 90, 370, 210)
JPEG_QUALITY = 88
GROUND = 0.55

Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn picture."""

    content: bytes
    """Encoded JPEG."""
    boxes: tuple[Box, ...]
    """x, y, width, height of the animal of each shot, as fractions of the picture."""


def draw(shots: Sequence[Shot], *, seed: int) -> Drawn:
    """The picture of shots in one image. Equal seeds and shots give equal bytes."""
    first = shots[0]
    camera = int(first.detection.camera_id.removeprefix("CAM"))
    rng = np.random.default_rng((seed, hash_of(first.detection.image_id)))
    picture = _vegetation(np.random.default_rng((seed, camera)), rng)
    boxes = [_place(picture, shot, slot, len(shots), seed, rng) for slot, shot in enumerate(shots)]
    picture = _in_light(picture, rng, infrared=first.infrared)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=JPEG_QUALITY)
    return Drawn(content.getvalue(), tuple(boxes))


def hash_of(text: str) -> int:
    """A hash of a text that is the same in every process."""
    return int.from_bytes(text.encode(), "big") % (2**61 - 1)


def _vegetation(place: np.random.Generator, moment: np.random.Generator) -> Image.Image:
    """Sky, ground, bushes and grass: equal in every image of a camera except for the wind."""
    sky = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    tint = tuple(int(c) for c in place.integers((150, 170, 170), (200, 215, 230)))
    picture = Image.composite(
        Image.new("RGB", (WIDTH, HEIGHT), (225, 230, 225)), Image.new("RGB", (WIDTH, HEIGHT), tint), sky
    )
    pen = ImageDraw.Draw(picture)
    horizon = int(HEIGHT * (GROUND + place.uniform(-0.1, 0.05)))
    soil = tuple(int(c) for c in place.integers((120, 100, 60), (170, 140, 95)))
    pen.rectangle((0, horizon, WIDTH, HEIGHT), fill=soil)
    for _ in range(int(place.integers(3, 8))):
        x, r = place.uniform(0, WIDTH), place.uniform(15, 55)
        leaf = tuple(int(c) for c in place.integers((50, 70, 30), (110, 130, 70)))
        pen.ellipse((x - r, horizon - 1.4 * r, x + r, horizon + 0.4 * r), fill=leaf)
    for _ in range(160):
        x, y = place.uniform(0, WIDTH), place.uniform(horizon, HEIGHT)
        lean, blade = moment.normal(0, 2) + place.normal(0, 3), place.uniform(4, 14)
        green = tuple(int(c) for c in place.integers((90, 90, 40), (160, 150, 80)))
        pen.line((x, y, x + lean, y - blade), fill=green)
    return picture


def _place(
    picture: Image.Image, shot: Shot, slot: int, slots: int, seed: int, rng: np.random.Generator
) -> Box:
    """Paste the animal of a shot into the picture; returns its box as fractions."""
    animal = _animal(shot, seed, rng)
    scale = rng.uniform(0.42, 0.58) / (1.0 if slots == 1 else 1.5)
    size = (int(CANVAS[0] * scale), int(CANVAS[1] * scale))
    animal = animal.rotate(rng.normal(0, 4), Image.Resampling.BICUBIC).resize(size, Image.Resampling.LANCZOS)
    room = (WIDTH - size[0]) / slots
    x = int(slot * (WIDTH / slots - size[0] * 0.1) * 0.9 + rng.uniform(0.1, 0.9) * max(0.0, room))
    x = min(max(x, 0), WIDTH - size[0])
    y = int(rng.uniform(0.35, 0.95) * (HEIGHT - size[1]))
    picture.paste(animal, (x, y), animal)
    left, top, right, bottom = animal.getbbox() or (0, 0, *size)
    return (x + left) / WIDTH, (y + top) / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT


def _animal(shot: Shot, seed: int, rng: np.random.Generator) -> Image.Image:
    """The animal on a transparent canvas, showing the flank of the shot."""
    style = np.random.default_rng((seed, 1, shot.animal))
    coat = np.random.default_rng((seed, 2, shot.animal, int(shot.detection.side)))
    fur: Colour = (int(style.integers(186, 200)), int(style.integers(142, 154)), int(style.integers(84, 98)))
    canvas = Image.new("RGBA", CANVAS, (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    _limbs(pen, fur, rng)
    shape = Image.new("L", CANVAS, 0)
    _torso(ImageDraw.Draw(shape), 255)
    body = Image.new("RGBA", CANVAS, (*fur, 255))
    _spots(ImageDraw.Draw(body), style, coat)
    canvas.paste(body, (0, 0), shape)
    _head(pen, fur)
    return canvas if shot.detection.side is Side.RIGHT else canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _torso(pen: ImageDraw.ImageDraw, fill: int) -> None:
    left, top, right, bottom = BODY
    pen.rounded_rectangle(BODY, radius=58, fill=fill)
    pen.ellipse((left - 12, top - 4, left + 110, bottom + 14), fill=fill)
    pen.ellipse((right - 120, top - 12, right + 14, bottom + 6), fill=fill)
    pen.polygon(
        [(right - 60, top), (right + 40, top - 36), (right + 62, top + 6), (right - 10, top + 70)], fill=fill
    )


def _limbs(pen: ImageDraw.ImageDraw, fur: Colour, rng: np.random.Generator) -> None:
    left, _, right, bottom = BODY
    dark: Colour = (fur[0] * 8 // 10, fur[1] * 8 // 10, fur[2] * 8 // 10)
    stride = rng.uniform(-18, 18)
    for x, colour, way in (
        (left + 42, dark, -1),
        (right - 60, dark, -1),
        (left + 12, fur, 1),
        (right - 30, fur, 1),
    ):
        knee = x + way * stride * 0.6
        pen.line(
            (x, bottom - 24, knee, bottom + 42, knee + way * stride * 0.3, bottom + 92),
            fill=colour,
            width=24,
            joint="curve",
        )
    sway = rng.uniform(-22, 22)
    pen.line(
        (left, 128, left - 46, 140 + sway * 0.4, left - 88, 110 + sway), fill=fur, width=12, joint="curve"
    )


def _head(pen: ImageDraw.ImageDraw, fur: Colour) -> None:
    x, y = BODY[2] + 40, BODY[1] - 46
    pen.ellipse((x - 24, y - 22, x + 36, y + 34), fill=fur)
    pen.ellipse((x + 14, y + 2, x + 56, y + 30), fill=(fur[0], fur[1], min(255, fur[2] + 24)))
    pen.ellipse((x - 22, y - 36, x + 2, y - 8), fill=fur)
    pen.ellipse((x + 16, y - 4, x + 24, y + 4), fill=(30, 24, 18))
    pen.ellipse((x + 48, y + 10, x + 58, y + 18), fill=(30, 24, 18))


def _spots(pen: ImageDraw.ImageDraw, style: np.random.Generator, coat: np.random.Generator) -> None:
    """The coat: the style of spots depends on the individual, their positions on the flank."""
    count, size = int(style.integers(26, 40)), style.uniform(8, 12)
    stretch = style.uniform(0.8, 1.5)
    ink: Colour = (int(style.integers(35, 60)), int(style.integers(25, 42)), int(style.integers(12, 26)))
    for _ in range(count):
        x, y = coat.uniform(BODY[0] - 12, BODY[2] + 50), coat.uniform(BODY[1] - 34, BODY[3] + 12)
        rx = size * coat.uniform(0.5, 1.5) * stretch**0.5
        ry = size * coat.uniform(0.5, 1.5) / stretch**0.5
        pen.ellipse((x - rx, y - ry, x + rx, y + ry), fill=ink)


def _in_light(picture: Image.Image, rng: np.random.Generator, *, infrared: bool) -> Image.Image:
    """Daylight of varying brightness, or infrared: grey, darker towards the edges, noisy."""
    if rng.random() < 0.2:  # noqa: PLR2004 - every fifth animal moves too fast
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.4)))
    pixels = np.asarray(picture, dtype=np.float64)
    if infrared:
        x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
        grey = pixels.mean(axis=2) * (1.05 - 0.45 * (x**2 + y**2))
        pixels = np.repeat(grey[:, :, None], 3, axis=2)
    pixels = pixels * rng.uniform(0.8, 1.15) + rng.normal(0, 11 if infrared else 4, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
