from __future__ import annotations

from pathlib import Path

import pytest

from services.review.settings import DEFAULT_PORT, ReviewSettings, from_environment
from spotted.errors import InvalidInputError


def test_the_defaults_are_those_of_one_machine() -> None:
    settings = from_environment({})
    assert settings == ReviewSettings()
    assert settings.allowed_hosts == {
        f"127.0.0.1:{DEFAULT_PORT}",
        f"localhost:{DEFAULT_PORT}",
        f"[::1]:{DEFAULT_PORT}",
    }


def test_every_variable_is_read() -> None:
    settings = from_environment(
        {
            "SPOTTED_LISTEN": "0.0.0.0:8080",
            "SPOTTED_EMBEDDER_ADDRESS": "e:1",
            "SPOTTED_SCORER_ADDRESS": "s:2",
            "SPOTTED_SAMPLER_ADDRESS": "t:3",
            "SPOTTED_TLS_CA": "/ca.pem",
            "SPOTTED_DATA_DIR": "/data",
            "SPOTTED_AUTH": "tokens",
            "SPOTTED_REVIEW_HOSTS": "Review.example.org, other:8443",
            "SPOTTED_REVIEW_USER_HEADER": "X-Forwarded-Email",
            "SPOTTED_REVIEW_SECRET_FILE": "/secret",
            "SPOTTED_REVIEW_IMAGE_HOSTS": "photos.example",
            "SPOTTED_REVIEW_STRIPS": "hidden",
            "SPOTTED_REVIEW_CACHE_MIB": "9",
            "SPOTTED_LOG": "json",
        }
    )
    assert settings == ReviewSettings(
        "0.0.0.0:8080",
        "e:1",
        "s:2",
        "t:3",
        Path("/ca.pem"),
        Path("/data"),
        tokens=True,
        hosts=("review.example.org", "other:8443"),
        user_header="x-forwarded-email",
        secret_file=Path("/secret"),
        image_hosts=("photos.example",),
        hide_strips=True,
        cache_mib=9,
        log="json",
    )
    assert settings.allowed_hosts == {"review.example.org", "other:8443"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SPOTTED_AUTH", "yes"),
        ("SPOTTED_LOG", "xml"),
        ("SPOTTED_REVIEW_STRIPS", "yes"),
        ("SPOTTED_REVIEW_CACHE_MIB", "0"),
        ("SPOTTED_REVIEW_CACHE_MIB", "many"),
        ("SPOTTED_REVIEW_HOSTS", "https://review.example.org"),
        ("SPOTTED_REVIEW_IMAGE_HOSTS", "*"),
        ("SPOTTED_LISTEN", "0.0.0.0:7104"),
        ("SPOTTED_LISTEN", "192.168.1.4:7104"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=variable):
        from_environment({variable: value})


def test_tokens_need_the_names_of_the_page() -> None:
    with pytest.raises(InvalidInputError, match="SPOTTED_REVIEW_HOSTS"):
        from_environment({"SPOTTED_AUTH": "tokens"})
