from __future__ import annotations

import uuid

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.existence import Existence, UploadLostError
from spotted.errors import NotFoundError, QuotaError


@pytest.fixture
def existence(store: Store) -> Existence:
    return Existence(store)


def create(existence: Existence, survey_id: str, request_id: str = "", most: int = 0) -> bytes | None:
    answer = f"{survey_id} created".encode()
    return existence.create_survey(survey_id, uuid.uuid4().bytes, answer, request_id, most=most)


def uploaded(store: Store, survey_id: str, *entries: bytes) -> str:
    upload = keys.session_upload(survey_id, "copy", uuid.uuid4().hex)
    store.script("for i = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end")([upload], [*entries])
    return upload


def test_a_created_survey_is_listed_and_a_deleted_one_is_not(
    existence: Existence, store: Store, survey_id: str
) -> None:
    answer = create(existence, survey_id, "r")
    assert answer == f"{survey_id} created".encode()
    assert survey_id in store.fields(keys.surveys(""))
    assert create(existence, survey_id, "r") == answer
    assert create(existence, survey_id) is None
    existence.delete_survey(survey_id, "d")
    assert survey_id not in store.fields(keys.surveys(""))
    # answers to requests are kept for a day
    answered = [
        keys.request(survey_id, scope, name) for scope, name in (("CreateSurvey", "r"), ("DeleteSurvey", "d"))
    ]
    assert set(store.names(keys.of_survey(survey_id))) >= {*answered}
    assert all(":request:" in name for name in store.names(keys.of_survey(survey_id)))
    with pytest.raises(NotFoundError, match=survey_id):
        existence.delete_survey(survey_id, "")


def test_a_repeated_deletion_spares_the_survey_created_since(existence: Existence, survey_id: str) -> None:
    create(existence, survey_id)
    first = existence.generation(survey_id)
    existence.delete_survey(survey_id, "d")
    create(existence, survey_id)
    existence.delete_survey(survey_id, "d")
    assert existence.generation(survey_id) != first


def test_the_quota_counts_what_exists(existence: Existence) -> None:
    organisation = f"o{uuid.uuid4().hex[:8]}"
    for name in ("a", "b"):
        assert create(existence, f"{organisation}/{name}", most=2)
    with pytest.raises(QuotaError, match="would have 3 surveys, this token allows 2"):
        create(existence, f"{organisation}/c", most=2)
    # a survey that exists is no further one
    assert create(existence, f"{organisation}/a", most=2) is None
    existence.delete_survey(f"{organisation}/b", "")
    assert create(existence, f"{organisation}/c", most=2)


def test_a_session_belongs_to_the_generation_it_was_begun_in(existence: Existence, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match=survey_id):
        existence.generation(survey_id)
    create(existence, survey_id)
    old = existence.generation(survey_id)
    existence.create_session((survey_id, "main"), old, b"event", b"answer", "")
    assert existence.session_ids(survey_id) == ["main"]
    existence.delete_survey(survey_id, "")
    with pytest.raises(NotFoundError, match=survey_id):
        existence.session_ids(survey_id)
    create(existence, survey_id)
    assert existence.session_ids(survey_id) == []
    with pytest.raises(NotFoundError, match=survey_id):
        existence.create_session((survey_id, "late"), old, b"event", b"answer", "")
    assert existence.session_ids(survey_id) == []


def test_a_deleted_survey_takes_the_sessions_that_its_deletion_did_not_look_up(
    existence: Existence, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(existence, survey_id)
    existence.create_session((survey_id, "main"), existence.generation(survey_id), b"event", b"answer", "")
    # as if the session were created after the sessions were listed
    listed = iter([[], [b"main"]])
    monkeypatch.setattr(existence, "_listed_sessions", lambda *_: next(listed))
    existence.delete_survey(survey_id, "")
    assert not store.length(keys.session_journal(survey_id, "main"))
    assert store.members(keys.sessions(survey_id)) == []


def test_an_import_begun_before_the_survey_was_deleted_is_refused(
    existence: Existence, store: Store, survey_id: str
) -> None:
    create(existence, survey_id)
    key, old = (survey_id, "copy"), existence.generation(survey_id)
    assert existence.open_session(key, old, uploaded(store, survey_id, b"a", b"b"), 2)
    assert not existence.open_session(key, old, uploaded(store, survey_id, b"c"), 1)
    existence.delete_survey(survey_id, "")
    create(existence, survey_id)
    with pytest.raises(NotFoundError, match=survey_id):
        existence.open_session(key, old, uploaded(store, survey_id, b"a"), 1)
    with pytest.raises(UploadLostError):
        existence.open_session(key, existence.generation(survey_id), uploaded(store, survey_id, b"a"), 2)
    assert existence.session_ids(survey_id) == []


def test_a_repeated_deletion_of_a_session_counts_for_one_generation_of_the_survey(
    existence: Existence, survey_id: str
) -> None:
    key = (survey_id, "main")
    for _ in range(2):
        create(existence, survey_id)
        assert not existence.delete_session(key, "d")
        existence.create_session(key, existence.generation(survey_id), b"event", b"answer", "")
        assert existence.delete_session(key, "d")
        assert existence.delete_session(key, "d")
        assert existence.session_ids(survey_id) == []
        existence.delete_survey(survey_id, "")


def test_a_restored_survey_appears_whole_with_its_sessions(
    existence: Existence, store: Store, survey_id: str
) -> None:
    uploads = [("", uploaded(store, survey_id, b"a"), 1), ("main", uploaded(store, survey_id, b"b", b"c"), 2)]
    with pytest.raises(UploadLostError):
        existence.open_survey(survey_id, [*uploads, ("lost", keys.session_upload(survey_id, "lost", "i"), 1)])
    assert survey_id not in store.fields(keys.surveys(""))
    assert existence.open_survey(survey_id, uploads)
    assert survey_id in store.fields(keys.surveys(""))
    assert existence.session_ids(survey_id) == ["main"]
    assert store.length(keys.session_journal(survey_id, "main")) == 2
    assert not existence.open_survey(survey_id, [("", uploaded(store, survey_id, b"x"), 1)])
