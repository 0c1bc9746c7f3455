from __future__ import annotations

import pytest

from services.common.store import keys
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.common.survey.local_parts import (
    KEY_BYTES,
    LocalFeatureKeys,
    LocalParts,
    feature_key,
    feature_name,
    part_changes,
)
from spotted.errors import DamagedError
from spotted.v1 import local_features_pb2, survey_pb2

SPEC = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="a")


def added(
    spec: survey_pb2.LocalFeatureSpec | None = None, **features: bytes
) -> local_features_pb2.LocalFeaturesAdded:
    found = b"".join(feature_key(i, content) for i, content in features.items())
    return local_features_pb2.LocalFeaturesAdded(detection_ids=list(features), keys=found, spec=spec)


def test_keys_follow_the_events_and_a_view_stays_as_it_was() -> None:
    local = LocalFeatureKeys()
    local.add(added(SPEC, a=b"one", b=b"two"))
    local.add_scores(local_features_pb2.LocalScoresAdded(name="s:1", pairs=5, normalisers="n:1"))
    local.add_scores(local_features_pb2.LocalScoresAdded(name="s:2", pairs=2))
    view = local.view()
    assert view is local.view()
    assert (view.normalisers, view.scores, local.pairs) == ("n:1", ("s:1", "s:2"), 7)
    before = view.keys
    local.add(added(a=b"other"))
    local.forget(["b", "unknown"])
    assert before == {"a": feature_key("a", b"one"), "b": feature_key("b", b"two")}
    assert local.view().keys == {"a": feature_key("a", b"other")}
    assert local.view().scores == view.scores
    local.add_scores(local_features_pb2.LocalScoresAdded(name="s:3", pairs=1, normalisers="n:2"))
    assert (local.score_names(), local.pairs) == (["s:3", "n:2"], 1)
    local.add(added(survey_pb2.LocalFeatureSpec(method="another", digest="b"), c=b"three"))
    survey = survey_pb2.Survey()
    local.describe(survey)
    assert (survey.local_feature_count, survey.local_features.method) == (1, "another")
    assert (local.score_names(), survey.local_pair_count) == ([], 0)


def test_a_detection_and_its_features_make_the_key() -> None:
    assert len({feature_key(i, content) for i in ("a", "b") for content in (b"", b"x")}) == 4
    assert len(feature_key("a", b"x")) == KEY_BYTES


def test_values_change_with_the_journal_or_not_at_all(store: Store, survey_id: str) -> None:
    journal, parts = Journal(store, survey_id), LocalParts(store)
    one, two = feature_key("a", b"one"), feature_key("a", b"two")
    begun = Change(b"begun", b"", part_changes(survey_id, stored={feature_name(one): b"one"}))
    journal.append(begun, expected=0, scope="add", request_id="1")
    changes = part_changes(survey_id, dropped=[one], stored={feature_name(two): b"two"})
    late = Change(b"late", b"", changes)
    assert journal.append(late, expected=0, scope="add", request_id="2") is None
    assert parts.get(survey_id, [feature_name(one), feature_name(two)]) == [b"one", None]
    journal.append(late, expected=1, scope="add", request_id="3")
    assert parts.get(survey_id, [feature_name(one), feature_name(two)]) == [None, b"two"]


def test_a_changed_value_is_reported(store: Store, survey_id: str) -> None:
    name = feature_name(feature_key("a", b"one"))
    changes = part_changes(survey_id, stored={name: b"one"})
    Journal(store, survey_id).append(Change(b"e", b"", changes), expected=0, scope="s", request_id="1")
    script = store.script("return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])")
    script([keys.local_parts(survey_id)], [name, changes.values[name].replace(b"one", b"two")])
    with pytest.raises(DamagedError, match="extract them again"):
        LocalParts(store).get(survey_id, [name])


def test_thousands_of_values_are_dropped_in_one_step(store: Store, survey_id: str) -> None:
    dropped = [n.to_bytes(KEY_BYTES, "big") for n in range(9_000)]
    kept = feature_key("a", b"kept")
    change = Change(b"e", b"", part_changes(survey_id, dropped=dropped, stored={feature_name(kept): b"kept"}))
    Journal(store, survey_id).append(change, expected=0, scope="s", request_id="1")
    names = [feature_name(key) for key in (*dropped[:2], kept)]
    assert LocalParts(store).get(survey_id, names) == [None, None, b"kept"]
