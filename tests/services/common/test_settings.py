from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from services.common.settings import Security, from_environment
from spotted.errors import InvalidInputError


def test_an_empty_environment_gives_one_machine_defaults() -> None:
    settings = from_environment("scorer", {})
    assert settings.listen == "127.0.0.1:7102"
    assert settings.store_url == "redis://127.0.0.1:7100/0"
    assert (settings.health_listen, settings.metrics_listen, settings.log, settings.traces) == (
        "",
        "",
        "text",
        "",
    )
    assert settings.security == Security()
    assert (settings.drain_s, settings.propagation_s, settings.connection_age_s) == (20.0, 0.2, 0.0)
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
            "SPOTTED_MEMORY_MIB": "512",
            "SPOTTED_HEALTH_LISTEN": "0.0.0.0:8",
            "SPOTTED_METRICS_LISTEN": "0.0.0.0:9000",
            "SPOTTED_LOG": "json",
            "SPOTTED_TRACES": "127.0.0.1:4317",
            "SPOTTED_REFLECTION": "1",
            "SPOTTED_DRAIN_S": "5",
            "SPOTTED_PROPAGATION_S": "0.5",
            "SPOTTED_CONNECTION_AGE_S": "300",
            "SPOTTED_AUTH": "tokens",
            "SPOTTED_TLS_CERT": "/tls/tls.crt",
            "SPOTTED_TLS_KEY": "/tls/tls.key",
            "SPOTTED_TLS_CLIENT_CA": "/tls/clients.crt",
            "SPOTTED_TLS_CA": "/tls/ca.crt",
            "SPOTTED_TOKEN_FILE": "/tls/token",
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
    assert (settings.workers, settings.planners, settings.memory_mib, settings.reflection) == (
        3,
        4,
        512,
        True,
    )
    assert (settings.health_listen, settings.metrics_listen) == ("0.0.0.0:8", "0.0.0.0:9000")
    assert (settings.log, settings.traces) == ("json", "127.0.0.1:4317")
    assert (settings.drain_s, settings.propagation_s, settings.connection_age_s) == (5.0, 0.5, 300.0)
    assert settings.security == Security(
        tokens=True,
        certificate=Path("/tls/tls.crt"),
        key=Path("/tls/tls.key"),
        client_ca=Path("/tls/clients.crt"),
        ca=Path("/tls/ca.crt"),
        token_file=Path("/tls/token"),
    )


def test_no_variable_is_left_out_of_these_tests() -> None:
    source = Path(inspect.getfile(from_environment)).read_text()
    tested = Path(__file__).read_text()
    assert set(re.findall(r'"(SPOTTED_\w+)"', source)) == set(re.findall(r'"(SPOTTED_\w+)"', tested))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SPOTTED_DEVICE", "abacus"),
        ("SPOTTED_WORKERS", "many"),
        ("SPOTTED_PLANNERS", "two"),
        ("SPOTTED_PLANNERS", "²"),
        ("SPOTTED_MEMORY_MIB", "-1"),
        ("SPOTTED_REFLECTION", "perhaps"),
        ("SPOTTED_AUTH", "on"),
        ("SPOTTED_LOG", "xml"),
        ("SPOTTED_DRAIN_S", "nan"),
        ("SPOTTED_PROPAGATION_S", "-1"),
        ("SPOTTED_CONNECTION_AGE_S", "1e9"),
        ("SPOTTED_MODEL", "a,,b"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{variable} is '{text}'"):
        from_environment("embedder", {variable: text})


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"SPOTTED_TLS_CERT": "tls.crt"}, "SPOTTED_TLS_KEY"),
        ({"SPOTTED_TLS_KEY": "tls.key"}, "SPOTTED_TLS_CERT"),
        ({"SPOTTED_TLS_CLIENT_CA": "ca.crt"}, "SPOTTED_TLS_CERT"),
    ],
)
def test_half_of_tls_is_refused_and_the_other_half_named(environ: dict[str, str], missing: str) -> None:
    with pytest.raises(InvalidInputError, match=missing):
        from_environment("scorer", environ)


def test_rounds_are_planned_by_one_process_at_least() -> None:
    assert from_environment("sampler", {"SPOTTED_PLANNERS": "0"}).planners == 1
