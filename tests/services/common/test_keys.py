from __future__ import annotations

import re

from services.common import keys


def test_every_key_function_is_in_the_table() -> None:
    made = [
        keys.VERSION,
        keys.SURVEYS,
        keys.survey_journal("<survey>"),
        keys.sessions("<survey>"),
        keys.session_journal("<survey>", "<session>"),
        keys.session_upload("<survey>", "<session>", "<id>"),
        keys.leases("<survey>", "<session>"),
        keys.request("<survey>", "<scope>", "<id>"),
        keys.head("<digest>"),
        keys.calibration("<digest>"),
        keys.reference("<digest>"),
        keys.operation("<id>"),
        keys.operation_cancel("<id>"),
        keys.training("<survey>"),
    ]
    documented = re.findall(r"^\| `(spotted:[^`]+)`", keys.__doc__ or "", flags=re.MULTILINE)
    assert sorted(made) == sorted(documented)


def test_all_keys_of_a_survey_share_one_cluster_slot() -> None:
    of_survey = [
        keys.survey_journal("s"),
        keys.session_journal("s", "a"),
        keys.session_upload("s", "a", "i"),
        keys.leases("s", "a"),
        keys.request("s", "x", "y"),
    ]
    assert {re.findall(r"\{(.*?)\}", key)[0] for key in of_survey} == {"s:s"}
