from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest
from click.testing import Result

from services.common.access.tokens import TEXT, Tokens
from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.commands import token
from spotted import messages
from spotted.errors import UnauthenticatedError
from spotted.v1 import access_pb2 as pb
from tests.services.journal_entries import break_value
from tests.services.upkeep.console import invoke


def run(store: Store, *arguments: str) -> Result:
    return invoke(token.token, ["token", *arguments, "--store", store.url])


def create(store: Store, *arguments: str) -> str:
    """The text of a token that was made for an organisation."""
    done = run(store, "create", "--organisation", "wcs", "--role", "write", *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def listed(store: Store) -> dict[str, dict[str, object]]:
    found = json.loads(run(store, "list", "--json").stdout)["tokens"]
    return {one["token_id"]: one for one in found}


def test_a_token_is_shown_once_and_holds(store: Store) -> None:
    text = create(store)
    assert TEXT.fullmatch(text)
    caller = Tokens(store).caller(text)
    assert (caller.organisation, caller.role, caller.surveys) == ("wcs", pb.ROLE_WRITE, ())
    assert caller.quota == pb.Quota()
    assert text.split("_", 2)[2] not in run(store, "list").output + run(store, "list", "--json").output


def test_every_option_reaches_the_token(store: Store) -> None:
    before_s = time.time()
    options = "--survey kenya-* --survey gola --expires 12h --rate 2.5 --message-mib 1 --image-mib 0.5"
    text = create(store, *options.split(), "--surveys", "3", "--detections", "1000", "--note", "cameras")
    caller = Tokens(store).caller(text)
    assert caller.surveys == ("kenya-*", "gola")
    assert caller.quota == pb.Quota(
        calls_per_second=2.5, message_bytes=2**20, image_bytes=2**19, surveys=3, detections=1000
    )
    stored = Tokens(store).all()[caller.token_id]
    assert stored.note == "cameras"
    assert 0 <= messages.seconds(stored.expire_time) - before_s - 12 * 3600 < 60


@pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * 86_400), ("12h", 43_200), ("30m", 1800)])
def test_durations_are_days_hours_and_minutes(store: Store, text: str, seconds: int) -> None:
    before_s = time.time()
    token_id = Tokens(store).caller(create(store, "--expires", text)).token_id
    expires_s = messages.seconds(Tokens(store).all()[token_id].expire_time)
    assert 0 <= expires_s - before_s - seconds < 60


@pytest.mark.parametrize("expires", ["soon", "", "1w", "-1d", "1.5h", "999999999d"])
def test_an_invalid_duration_makes_no_token(store: Store, expires: str) -> None:
    before = Tokens(store).all()
    done = run(store, "create", "--organisation", "wcs", "--role", "read", "--expires", expires)
    assert done.exit_code == 3, done.output
    assert f"--expires is '{expires}'" in done.stderr
    assert Tokens(store).all() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--role", "read"], "the organisation is ''"),
        (["--role", "read", "--organisation", "a/b"], "the organisation is 'a/b'"),
        (["--role", "read", "--organisation", "wcs", "--survey", "*a"], "'*a' is neither a survey id"),
        (["--role", "service", "--organisation", "wcs"], "leave out organisation and surveys"),
        (["--role", "owner", "--organisation", "wcs"], "'owner' is not one of"),
        (["--organisation", "wcs"], "--role"),
        (["--organisation", "wcs", "--role", "read", "--rate", "-1"], "--rate"),
    ],
)
def test_what_cannot_be_a_token_is_refused(store: Store, arguments: list[str], words: str) -> None:
    before = Tokens(store).all()
    done = run(store, "create", *arguments)
    assert done.exit_code == (2 if words.startswith(("--", "'owner'")) else 3), done.output
    assert words in " ".join(done.stderr.split())
    assert Tokens(store).all() == before


def test_a_token_goes_into_a_new_file_of_its_owner_and_is_not_shown(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "token"
    printed = create(store, "--output", str(path))
    text = path.read_text().strip()
    assert Tokens(store).caller(text).role == pb.ROLE_WRITE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert text not in printed
    assert f"to {path}" in printed


def test_a_file_that_is_there_is_not_overwritten_and_no_token_is_made(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("precious")
    before = Tokens(store).all()
    done = run(store, "create", "--organisation", "wcs", "--role", "read", "--output", str(path))
    assert done.exit_code == 3
    assert "already exists" in done.stderr
    assert path.read_text() == "precious"
    assert Tokens(store).all() == before


def test_a_service_token_and_json(store: Store, tmp_path: Path) -> None:
    done = run(store, "create", "--role", "service", "--json")
    shown = json.loads(done.stdout)
    assert Tokens(store).caller(shown["token"]).speaks_for_all
    assert shown["token"].startswith(f"spotted_{shown['token_id']}_")
    path = tmp_path / "token"
    done = run(store, "create", "--role", "service", "--json", "--output", str(path))
    assert json.loads(done.stdout).keys() == {"token_id"}


def test_the_list_shows_the_state_of_each(store: Store) -> None:
    good, ended, lost = create(store, "--survey", "gola"), create(store, "--expires", "0m"), create(store)
    ids = [text.split("_")[1] for text in (good, ended, lost)]
    done = run(store, "revoke", ids[2])
    assert done.exit_code == 0
    assert f"revoked token {ids[2]}" in done.stdout
    found = listed(store)
    assert [found[i]["state"] for i in ids] == ["valid", "expired", "revoked"]
    assert found[ids[0]]["surveys"] == ["gola"]
    assert (found[ids[0]]["organisation"], found[ids[0]]["role"]) == ("wcs", "write")
    assert found[ids[0]]["expires"] == ""
    assert all(i in run(store, "list").stdout for i in ids)
    with pytest.raises(UnauthenticatedError):
        Tokens(store).caller(lost)


def test_a_token_that_is_not_there_cannot_be_revoked(store: Store) -> None:
    done = run(store, "revoke", "0" * 16)
    assert done.exit_code == 4
    assert "spotted token list" in done.stderr


def test_a_damaged_token_is_listed_as_such(store: Store) -> None:
    token_id = Tokens(store).caller(create(store)).token_id
    break_value(store, keys.token(token_id))
    listed = json.loads(run(store, "list", "--json").stdout)["tokens"]
    assert {"token_id": token_id, "state": "damaged"} in listed
    assert token_id in run(store, "list").stdout
    assert run(store, "revoke", token_id).exit_code == 0
    assert token_id not in run(store, "list").stdout
