from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from services.common.settings import Security, from_environment, with_password
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
    assert (settings.memory_mib, settings.memory_percent) == (None, 100)
    assert (settings.model_ids, settings.segmenter) == (("efficientnet-lite0",), None)


def test_every_variable_is_read() -> None:
    settings = from_environment(
        "embedder",
        {
            "SPOTTED_LISTEN": "127.0.0.1:1",
            "SPOTTED_STORE_URL": "redis://store/1",
            "SPOTTED_VECTOR_BLOCKS_URL": "s3://bucket/vectors",
            "SPOTTED_OBJECT_STORE_SETTINGS": "/run/object-store",
            "SPOTTED_SCORER_ADDRESS": "scorer:2",
            "SPOTTED_MODELS": "/models",
            "SPOTTED_MODEL": "other, second",
            "SPOTTED_SEGMENTER": "/segmenter",
            "SPOTTED_DEVICE": "cuda",
            "SPOTTED_SCORER_DEVICE": "cuda",
            "SPOTTED_WORKERS": "3",
            "SPOTTED_PLANNERS": "4",
            "SPOTTED_MEMORY_MIB": "512",
            "SPOTTED_MEMORY_PERCENT": "40",
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
    assert (settings.models, settings.model_ids) == (Path("/models"), ("other", "second"))
    assert (settings.device, settings.scorer_device) == ("cuda", "cuda")
    assert settings.segmenter == Path("/segmenter")
    assert (settings.workers, settings.planners, settings.reflection) == (3, 4, True)
    assert (settings.memory_mib, settings.memory_percent) == (512, 40)
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
        ("SPOTTED_SCORER_DEVICE", "tensorrt"),
        ("SPOTTED_WORKERS", "many"),
        ("SPOTTED_PLANNERS", "two"),
        ("SPOTTED_PLANNERS", "²"),
        ("SPOTTED_MEMORY_MIB", "-1"),
        ("SPOTTED_MEMORY_PERCENT", "0"),
        ("SPOTTED_MEMORY_PERCENT", "101"),
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


@pytest.mark.parametrize(
    ("url", "complete"),
    [
        ("rediss://store:6379/0?ssl_ca_certs=/ca", "rediss://:p%2F%40w@store:6379/0?ssl_ca_certs=/ca"),
        ("redis://ann@store/0", "redis://ann:p%2F%40w@store/0"),
        ("redis://:p%2F%40w@store/0", "redis://:p%2F%40w@store/0"),
        ("redis+sentinel://a,b/s/0", "redis+sentinel://:p%2F%40w@a,b/s/0?sentinel_password=p%2F%40w"),
        ("redis+sentinel://a/s?sentinel_password=", "redis+sentinel://:p%2F%40w@a/s?sentinel_password="),
    ],
)
def test_a_password_in_a_file_completes_the_url(url: str, complete: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p/@w\n")
    environ = {"SPOTTED_STORE_URL": url, "SPOTTED_STORE_PASSWORD_FILE": str(file)}
    assert from_environment("scorer", environ).store_url == complete


def test_a_password_file_that_cannot_be_used_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "other").write_text("hidden")
    for name, message in (
        ("missing", r"missing cannot be read .* correct the path"),
        ("empty", r"is empty; write the password"),
        ("other", r"SPOTTED_STORE_URL has a password that differs .* remove it from the URL"),
    ):
        with pytest.raises(InvalidInputError, match=message) as refused:
            with_password("redis://:secret@store/0", tmp_path / name)
        assert "hidden" not in str(refused.value)
        assert "redis://" not in str(refused.value)
