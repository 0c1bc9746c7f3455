from __future__ import annotations

import base64
import hashlib
import math
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageOps

from services.embedder.images.decoding import ByteArray
from services.embedder.images.masks import BoolArray, Mask, PngMask, RleMask
from services.embedder.images.photograph import CropPart
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.resizing import Kernel, resize
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import (
    Reference,
    Tone,
    apply_curves,
    equalisation_curves,
    histograms,
    matching_curves,
)
from services.embedder.inference.backbones import Backbone
from spotted.arrays import Float32Array
from spotted.boxes.cropping import Box, FractionBox, PixelBox
from spotted.errors import InvalidInputError, UnreadableImageError
from tests.services.embedder.pictures import encoded
from tests.spotted.boxes.drawn_coat import cropped

GREY = (90, 91, 92)
BOX = PixelBox(60, 50, 200, 140)
EVEN = Reference(((1,) * 256,) * 3)

# lossless paths: SHA-256 of the pixels of the drawing. If one changes with a release of Pillow or numpy, that
# release changes embeddings: keep the old one, or raise `version`
GOLDEN_PIXELS: dict[str, tuple[Preprocessing, Box | None, float, str]] = {
    "bilinear": (
        Preprocessing(224),
        BOX,
        0.0,
        "3a755017b86811d8cf7baf2471435b71f99f76770a02a31174d93f3266d44d23",
    ),
    "bicubic": (
        Preprocessing(224, kernel="bicubic"),
        BOX,
        0.0,
        "356f15b45f28666c74c9bacbba93f033aa8381b214e4754fe9befaff3602e590",
    ),
    "lanczos": (
        Preprocessing(224, kernel="lanczos"),
        BOX,
        0.0,
        "70e4d675d666d5a88fe2ab99d744dfb2e582f3c805062b0594e80ae2fda9b420",
    ),
    "opencv-linear": (
        Preprocessing(440, kernel="opencv-linear"),
        BOX,
        0.0,
        "8d48b437e0a88f987e4d87b494798aacc3fd4e64cf21e35e8991532a44686140",
    ),
    "padded": (
        Preprocessing(224, aspect="pad", fill=GREY),
        BOX,
        0.0,
        "e40a6c1962af5c450f5c1b0a5d87e3b3f23e5978219a327b6aea5e349dda2b4b",
    ),
    "turned": (
        Preprocessing(224, fill=GREY),
        PixelBox(-20, 50, 200, 140),
        0.6,
        "3608b5605011ae90c4ae0d6e271d8ab08b1482d579b603dfbeb6d6b7de79f009",
    ),
    "equalised": (
        Preprocessing(224, tone=Tone.EQUALISED),
        None,
        0.0,
        "731b518c621ef24009725fd91319cabff5c768aa08b4501c4876aec75b6f05f5",
    ),
    "matched": (
        Preprocessing(224, tone=Tone.MATCHED, reference=EVEN),
        None,
        0.0,
        "f9be7609805f4d081ab328a30eb68a8da3f3fa28b2e36349600a56813cd52457",
    ),
}

# lossy files, written once, so that only a decoder can drift: the middle of the drawing
JPEG_FILE = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCN
l4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAAR
CAAwAEADASIAAhEBAxEB/8QAGgAAAgMBAQAAAAAAAAAAAAAAAQIAAwQFBv/EADQQAAECBQEDCQgDAQAAAAAAAAECAwAEESHwMRITQRQiIzJR
gZGx4QUzQkNhcaHBJHLR8f/EABkBAQADAQEAAAAAAAAAAAAAAAABAgMEBf/EABkRAQEBAQEBAAAAAAAAAAAAAAABAjEDEf/aAAwDAQACEQMR
AD8A5jf8mbLnwI0/X+xGFb19yYVZCRb6YPOIsGXlEtAdI5r+/wDIDyd203LJptLI2jmWjNKMqKW3ZlQqo2GZpA5zUp2uPHvp+/WGdSFuNyyO
qm6szWHB3s4pRI2Ghx7c8oBHEAlmVFLXUQc+sMFBc046eqyKfU6+sI2shD0yqxVZGeHhFzcjMOSzTTbZBdVUk2GaadkLZOjOCpEqpRFXH1d5
H2zWLCgcobbqAllO0TpfKRtV7Ne5RYoLbCdAa56RicS40y6paFJW8qgBvbKiIm5rlOC1R+ZU8r3aLJrnfCskLddml2SnTM1iP9BLpYRdataQ
ZhOyhqWb1OsSA0ooZdmFnnLsnM0gbO6lEoT7x48MysO6kOTDbA6iBUi+f9iJUl6bW6eo0Nc74DZJSSX3W2lDaabuRwJ41zjHXCwp9183Q2KJ
4XzzjPIdFIco+JY5tTpXPxFykFLLTCbKcNVdo7s0jg9NXWloF0ytPmPq+2esF6XbfdSytPRMipJtQ9tc4xYClc0VEUbYT3A/bNIqBUJZShTe
PrpY8M84pKl51k759b6+ojSsFg13s0sf1BzugPjdMtyyLqVdX1w+UF5PupRs/wBjnjHoswaVupZb5NXHDQGAtJblG2gnnum+eEOsB2abaSBs
NC/HOERCt5MOPnqNAgU4xI7UitL6WZZJqGBzwfxbOMaUOAuvTBulAomuZWOBKTa5RtyZ1U6dmldR+uPhHXbmGXW2ZZKtlajVSTY+vpHF6+dl
+zi8q0pKZVCPmPquTn28YtIHKUg12GEVuK56QCtAmHHVEJbYTTszjHNmfaKW5UpYJU++rraAX/PrFM5uuH34/9k=
"""
WEBP_FILE = """
UklGRi4DAABXRUJQVlA4ICIDAABwDgCdASpAADAAPu1coFAppSMit+1RMB2JaDOBegXvx8iZgkQ3SDv/1QJmUSYCsXWJxGtuFxgrBzNA4D6v
KDewv+ly7P6dFHTSZ7/JF/fVE8MYD6k2ZebLvGD6rWQj0lgmGVM8biJ2T9N7rhMwdkS7v9CFnH3GRNqBPzhYAP7m1N2iXJa0rMqz+9u7Zmuc
NL6damV6Mvs2jQ/5rS5hhq3m9lBqjA3Q+ZRCdR7gNFpdt3+awEphBV2yhBik7jqYuvnPf3KC4MHB9/2378TYx+ROsXlDvvRti1ZQl99MiUpN
Jzrc76/UYzzbD3NWCofOi+pCc4/djuuwegtOIP4jIvOc3XQSfNlltlJIim/2KumplpFOwqJdK8Cp3vbjgePwrheYt9Fs6CIt/kJZosT1YkQ8
u3G7npxzeCFGmtDAlafzfgnUNQgoZyecRsnO5HbjvUeu+8edYd+37aVMi5GisHcEgIilQoxWFZLFvcMXX5ikvABX4Yy2SvJMF18rB9Xn25AC
3UGSJgP781CGXTGg+JwfgKUSSoPDx6P8S8gIlhFUrMGg45SzGVPlYBOvwGbke8mtdj9ZB3iPWsEz6Ia5Xyux8CJJX/qZXHLbEZAHAqpTUaQJ
sbiq3nfubTP3GJPMU6ohuWALqFT9uSR11sIbz9tcdlUB6ovvWkTFUwha6+UCuLBaUqWWBXb1yN0I9dJlsbkDaIn2KUjz0VP0eGQXP/tT/wn3
4xcCdvvQNVoXcOlTCpJ/M5tJMuqVdB24ry+ilr52x0sgg2CASRzE7tZlaFYezx4pkOw+qIyQq/odlB/fU2gUyvR5brL1PdlvqH2A/uHaqXlG
HJhjNQImuThYlenyc2hNp7vm0KSlrudWMDtjS065qI/iDvQ4rZ7lwjDUG8iECvha/D2wKKScfJrzkjhfax/7vAloMvmUcsfnNSV+TZRmUEU5
je9Ri7F+bja9O3dnf9AjJ34KWvM726mUp+lculJ639O8NAHPq0BVZxTlomuS0aukbuKbEUq3YMzjn/1Pd17S6PMpN8PkXv3l4NHuauz1dCNH
QSm7PWPVl4kkogAA
"""
# the sums of their vectors over 8 runs of 160 elements
GOLDEN_VECTORS = {
    "JPEG": (JPEG_FILE, [2.31665, 1.76572, 1.75664, 1.64549, 2.02268, 1.46552, 1.27018, 1.72958]),
    "WEBP": (WEBP_FILE, [2.24408, 1.66664, 1.75130, 1.48570, 2.08909, 1.37839, 1.39639, 1.85875]),
}


@pytest.fixture(scope="session")
def disc() -> BoolArray:
    """An ellipse in the drawing, (300, 400)."""
    rows, columns = np.mgrid[0:300, 0:400]
    inside: BoolArray = ((rows - 120) / 70) ** 2 + ((columns - 170) / 90) ** 2 < 1
    return inside


def runs(mask: BoolArray) -> RleMask:
    """A mask as COCO's run lengths."""
    flat = np.concatenate([[False], mask.T.ravel(), [not mask[-1, -1]]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return RleMask(mask.shape[0], mask.shape[1], np.diff(edges, prepend=0).tolist())


def vector(backbone: Backbone, pixels: ByteArray) -> Float32Array:
    (found,) = backbone.embed([pixels])
    assert isinstance(found, np.ndarray)
    return found


@pytest.mark.parametrize("case", GOLDEN_PIXELS)
def test_pixels_are_those_of_every_release(drawing_png: bytes, case: str) -> None:
    preprocessing, box, theta, digest = GOLDEN_PIXELS[case]
    found = preprocessing.apply(drawing_png, CropPart(box, theta))
    assert hashlib.sha256(found.tobytes()).hexdigest() == digest, f"Pillow or numpy now gives other {case}"


def test_masked_pixels_are_those_of_every_release(drawing_png: bytes, disc: BoolArray) -> None:
    found = Preprocessing(224, fill=GREY).apply(drawing_png, CropPart(BOX, 0.4, runs(disc)))
    assert (
        hashlib.sha256(found.tobytes()).hexdigest()
        == "bc2aff107d39427181165dc3e7c80f17272497062d025a62221105bfcb78b86b"
    )


@pytest.mark.parametrize("kind", GOLDEN_VECTORS)
def test_vectors_of_lossy_files_are_those_of_every_release(backbone: Backbone, kind: str) -> None:
    content, expected = GOLDEN_VECTORS[kind]
    found = vector(backbone, Preprocessing(224).apply(base64.b64decode(content)))
    sums = found.reshape(8, 160).sum(axis=1)
    assert np.allclose(sums, expected, atol=2e-4), f"the decoder of {kind} or onnxruntime drifted: {sums}"


def test_vectors_of_photographs_are_those_of_pillow(backbone: Backbone, real_files: Path) -> None:
    paths = sorted((real_files / "nyala" / "images").rglob("*.jp*g"))[::150]
    assert paths
    for path in paths:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        left, top, right, bottom = 20, 10, upright.width - 30, upright.height - 20
        reference = upright.crop((left, top, right, bottom)).resize((224, 224), Image.Resampling.BILINEAR)
        box = PixelBox(left, top, right - left, bottom - top)
        found = Preprocessing(224).apply(path.read_bytes(), CropPart(box))
        cosine = vector(backbone, found) @ vector(backbone, np.asarray(reference))
        assert cosine >= 0.99999, path


def test_all_of_the_image_is_taken_without_a_box(drawing: ByteArray, drawing_png: bytes) -> None:
    assert np.array_equal(Preprocessing(64).apply(drawing_png), resize(drawing, 64))


def test_boxes_and_masks_refer_to_the_upright_image(drawing: ByteArray, disc: BoolArray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(drawing, exif=exif)
    upright, mask = np.rot90(drawing, -1), np.rot90(disc, -1)
    box = PixelBox(40, 60, 200, 300)
    found = Preprocessing(8).apply(content, CropPart(box, mask=runs(mask)))
    expected = np.where(mask[..., None], upright, 0).astype(np.uint8)
    assert np.array_equal(found, resize(cropped(expected, box), 8))


@pytest.mark.parametrize("theta", [0.0, 0.8])
@pytest.mark.parametrize("tone", list(Tone))
def test_the_order_is_tone_mask_crop_over_the_whole_image(
    drawing: ByteArray, drawing_png: bytes, disc: BoolArray, tone: Tone, theta: float
) -> None:
    reference = EVEN if tone is Tone.MATCHED else None
    preprocessing = Preprocessing(100, tone=tone, reference=reference, fill=GREY)
    found = preprocessing.apply(drawing_png, CropPart(BOX, theta, runs(disc)))
    counts = histograms(drawing)
    curves = {
        Tone.AS_TAKEN: np.arange(256, dtype=np.uint8)[None].repeat(3, axis=0),
        Tone.EQUALISED: equalisation_curves(counts),
        Tone.MATCHED: matching_curves(counts, EVEN),
    }[tone]
    whole = np.where(disc[..., None], apply_curves(drawing, curves), GREY).astype(np.uint8)
    assert np.array_equal(found, resize(cropped(whole, BOX, theta, GREY), 100))


def test_both_kinds_of_mask_do_the_same(drawing_png: bytes, disc: BoolArray) -> None:
    masks: list[Mask] = [PngMask(encoded(Image.fromarray(disc))), runs(disc)]
    found = [Preprocessing(50, fill=GREY).apply(drawing_png, CropPart(BOX, mask=mask)) for mask in masks]
    assert np.array_equal(found[0], found[1])
    assert (found[0][0, 0] == GREY).all()


def test_a_mask_that_misses_the_box_is_refused(drawing_png: bytes, disc: BoolArray) -> None:
    with pytest.raises(UnreadableImageError, match="the mask shows no animal inside the box"):
        Preprocessing(50).apply(drawing_png, CropPart(PixelBox(350, 250, 40, 40), mask=runs(disc)))


class Left:
    """A segmenter that masks the left half of any box."""

    digest = "left"

    def mask(self, image: ByteArray, rows: slice, columns: slice) -> BoolArray:
        assert image.shape == (300, 400, 3)
        found = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.bool_)
        found[:, : found.shape[1] // 2] = True
        return found


def test_a_segmenter_masks_crops_that_bring_no_mask(drawing: ByteArray, drawing_png: bytes) -> None:
    preprocessing = Preprocessing(50, fill=GREY, segmenter=cast("Segmenter", Left()))
    expected = drawing[50:190, 60:260].copy()
    expected[:, 100:] = GREY
    assert np.array_equal(preprocessing.apply(drawing_png, CropPart(BOX)), resize(expected, 50))
    whole = RleMask(300, 400, [0, 120_000])
    brought = preprocessing.apply(drawing_png, CropPart(BOX, mask=whole))
    assert np.array_equal(brought, resize(drawing[50:190, 60:260], 50))


@pytest.mark.parametrize("kernel", ["bicubic", "opencv-linear"])
def test_kernel_and_aspect_reach_the_resizing(drawing: ByteArray, drawing_png: bytes, kernel: Kernel) -> None:
    found = Preprocessing(90, kernel=kernel, aspect="pad", fill=GREY).apply(drawing_png)
    assert np.array_equal(found, resize(drawing, 90, kernel=kernel, aspect="pad", fill=GREY))


def test_the_limit_of_pixels_reaches_the_decoder(drawing_png: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="400 x 300"):
        Preprocessing(64).apply(drawing_png, max_pixels=119_999)


def test_a_box_is_refused_with_its_numbers(drawing_png: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="width=200"):
        Preprocessing(64).apply(drawing_png, CropPart(FractionBox(12, 30, 200, 100)))
    with pytest.raises(UnreadableImageError, match="theta nan"):
        Preprocessing(64).apply(drawing_png, CropPart(theta=math.nan))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "size 0"),
        ({"kernel": "nearest"}, "kernel 'nearest'"),
        ({"aspect": "crop"}, "aspect 'crop'"),
        ({"fill": (0, 0, 256)}, "not a colour"),
        ({"fill": (0, 0)}, "not a colour"),
        ({"tone": Tone.MATCHED}, "a reference is needed"),
        ({"reference": EVEN}, "used for nothing else"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Preprocessing(**{"size": 8, **changes})  # type: ignore[arg-type] # of any type


def test_the_digest_depends_on_what_changes_the_pixels() -> None:
    # a change of this value makes every stored embedding incomparable: raise `version` with it
    assert Preprocessing(224).digest == "a3939a46d25b3a82783e4164ad447d0f033f816e7f26c827bf304519ffb30b67"
    others = [
        Preprocessing(440),
        Preprocessing(224, kernel="bicubic"),
        Preprocessing(224, kernel="opencv-linear"),
        Preprocessing(224, aspect="pad"),
        Preprocessing(224, fill=GREY),
        Preprocessing(224, tone=Tone.EQUALISED),
        Preprocessing(224, tone=Tone.MATCHED, reference=EVEN),
        Preprocessing(224, tone=Tone.MATCHED, reference=Reference(((2,) * 256,) * 3)),
        Preprocessing(224, segmenter=cast("Segmenter", Left())),
    ]
    assert len({Preprocessing(224).digest, *(other.digest for other in others)}) == 10
