from __future__ import annotations

from pathlib import Path

import pytest

from services.common.settings import from_environment
from spotted.errors import InvalidInputError


def test_an_empty_environment_gives_one_machine_defaults() -> None:
    settings = from_environment("scorer", {})
    assert settings.listen == "127.0.0.1:7102"
    assert settings.store_url == "redis://127.0.0.1:7100/0"
    assert settings.metrics_port is None
    assert settings.planners == 1
    assert (settings.model_ids, settings.segmenter) == (("efficientnet-lite0",), None)


def test_every_variable_is_read() -> None:
    settings = from_environment(
        "embedder",
        {
            "SPOTTED_LISTEN": "127.0.0.1:1",
            "SPOTTED_STORE_URL": "redis://store/1",
            "SPOTTED_SCORER_ADDRESS": "scorer:2",
            "SPOTTED_MODELS": "/models",
            "SPOTTED_MODEL": "other, second",
            "SPOTTED_SEGMENTER": "/segmenter",
            "SPOTTED_DEVICE": "cuda",
            "SPOTTED_WORKERS": "3",
            "SPOTTED_PLANNERS": "4",
            "SPOTTED_METRICS_PORT": "9000",
            "SPOTTED_REFLECTION": "1",
            "SPOTTED_DRAIN_S": "5",
        },
    )
    assert (settings.listen, settings.store_url, settings.scorer_address) == (
        "127.0.0.1:1",
        "redis://store/1",
        "scorer:2",
    )
    assert (settings.models, settings.model_ids, settings.device) == (
        Path("/models"),
        ("other", "second"),
        "cuda",
    )
    assert settings.segmenter == Path("/segmenter")
    assert (
        settings.workers,
        settings.planners,
        settings.metrics_port,
        settings.reflection,
        settings.drain_s,
    ) == (
        3,
        4,
        9000,
        True,
        5.0,
    )


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SPOTTED_DEVICE", "abacus"),
        ("SPOTTED_WORKERS", "many"),
        ("SPOTTED_PLANNERS", "two"),
        ("SPOTTED_METRICS_PORT", "-1"),
        ("SPOTTED_MODEL", "a,,b"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{variable} is '{text}'"):
        from_environment("embedder", {variable: text})


def test_rounds_are_planned_by_one_process_at_least() -> None:
    assert from_environment("sampler", {"SPOTTED_PLANNERS": "0"}).planners == 1
