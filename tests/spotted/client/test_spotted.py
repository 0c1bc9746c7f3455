from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.client.spotted import Spotted
from spotted.client.values import Crop
from spotted.errors import NotFoundError, PreconditionError
from spotted.survey import Survey
from tests.services.embedder.serving import serving


def test_each_crop_comes_back_as_a_unit_vector_or_as_a_message(store: Store, backbone: Backbone) -> None:
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    with serving(store, backbone) as spotted:
        crops = [Crop("whole", content.getvalue()), Crop("text", b"hello")]
        found = {e.crop_id: e for e in spotted.embed(iter(crops))}
        with pytest.raises(NotFoundError, match="nosuch"):
            list(spotted.embed(crops, model_id="nosuch"))
        batch = spotted.embed_batch(crops)
        (loaded,) = spotted.models()
        info = spotted.server_info()
    whole, text = found["whole"], found["text"]
    assert whole.vector is not None
    assert whole.vector.shape == (whole.spec.dimension,)
    assert np.linalg.norm(whole.vector) == pytest.approx(1.0, abs=1e-5)
    assert whole.error == ""
    assert text.vector is None
    assert "image" in text.error
    assert [one.error for one in batch] == ["", text.error]
    assert batch[0].vector is not None
    np.testing.assert_allclose(batch[0].vector, whole.vector, atol=1e-5)
    assert (loaded.spec, info.default_model_id, info.models) == (whole.spec, loaded.model_id, (loaded,))


def test_a_directory_in_which_nothing_was_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match=f"{tmp_path}; run `spotted up`"):
        Spotted.local(tmp_path)


def test_surveys_are_listed_by_id(spotted: Spotted, survey_id: str) -> None:
    spotted.create_survey(Survey(f"{survey_id}-b", 0.0, 1.0))
    listed = [s.survey_id for s in spotted.surveys()]
    assert listed == sorted(listed)
    assert {survey_id, f"{survey_id}-b"} <= set(listed)
