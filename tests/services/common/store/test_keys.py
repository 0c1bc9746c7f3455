from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from services.common.store import keys
from tests.slots import slot


def test_every_key_function_is_in_the_table() -> None:
    made = [
        keys.VERSION,
        keys.UPGRADE,
        keys.SYNCED,
        keys.synced("spotted:{<tag of a key>}:any"),
        keys.ORGANISATIONS,
        keys.BLOCKS,
        keys.BLOCKS_SWEPT,
        keys.moving("<survey>"),
        keys.moved("<survey>"),
        keys.surveys("<organisation>"),
        keys.listing("<survey>"),
        keys.survey_journal("<survey>"),
        "<a journal>" + keys.LENGTH,
        keys.sessions("<survey>"),
        keys.session_journal("<survey>", "<session>"),
        keys.session_upload("<survey>", "<session>", "<id>"),
        keys.restored_journal("<survey>", "<id>", "<session>"),
        keys.leases("<survey>", "<session>"),
        keys.request("<survey>", "<scope>", "<id>"),
        keys.head("<organisation>", "<digest>"),
        keys.trained("<organisation>/<survey>").replace("<organisation>/<survey>", "<survey>"),
        keys.calibration("<organisation>", "<digest>"),
        keys.reference("<organisation>", "<digest>"),
        keys.operation("<organisation>", "<id>"),
        keys.operation_cancel("<organisation>", "<id>"),
        keys.training("<survey>", "<generation>"),
        keys.local_parts("<survey>"),
        keys.restored_parts("<survey>", "<id>"),
        keys.matching("<survey>", "<generation>"),
        keys.token("<id>"),
        keys.TOKENS,
        keys.catalogue_journal("<organisation>"),
        keys.restored_catalogue("<organisation>", "<id>"),
        keys.catalogue_request("<organisation>", "<scope>", "<id>"),
    ]
    owner = keys.of_owner("<organisation>")
    assert f"`<owner>` is `{owner}`" in " ".join((keys.__doc__ or "").split())
    documented = re.findall(
        r"^\| `((?:spotted:|<owner>|<a journal>)[^`]+)`", keys.__doc__ or "", flags=re.MULTILINE
    )
    assert sorted(made) == sorted(key.replace("<owner>", owner) for key in documented)


def test_all_keys_of_a_survey_share_one_cluster_slot() -> None:
    of_survey = [
        keys.survey_journal("s"),
        keys.listing("s"),
        keys.local_parts("s"),
        keys.restored_parts("s", "i"),
        keys.training("s", "g"),
        keys.matching("s", "g"),
        keys.sessions("s"),
        keys.session_journal("s", "a"),
        keys.session_upload("s", "a", "i"),
        keys.restored_journal("s", "i", "a"),
        keys.leases("s", "a"),
        keys.request("s", "x", "y"),
    ]
    assert {re.findall(r"\{(.*?)\}", key)[0] for key in of_survey} == {"s:s"}


@pytest.mark.parametrize("key", [keys.survey_journal("s"), keys.token("t"), "spotted:{s"])
def test_the_key_to_wait_with_is_in_the_slot_of_the_other(key: str) -> None:
    assert slot(keys.synced(key)) == slot(key)


@pytest.mark.parametrize("make", [keys.head, keys.calibration, keys.reference, keys.operation])
def test_without_an_organisation_a_key_stands_under_none(make: Callable[[str, str], str]) -> None:
    kind = make.__name__
    assert make("", "x") == f"spotted:{kind}:x"
    assert make("wcs", "x") == f"spotted:{{o:wcs}}:{kind}:x"
    assert (keys.surveys(""), keys.surveys("wcs")) == ("spotted:surveys", "spotted:{o:wcs}:surveys")


def test_the_owner_of_a_survey_is_what_stands_before_its_id() -> None:
    assert keys.owner("kenya") == ""
    assert keys.owner("wcs/kenya") == "wcs"
