from __future__ import annotations

import json

import pytest

from spotted.cli.standing import document, print_text
from spotted.v1 import sampler_pb2 as pb

STATE = pb.Progress(
    detections=12,
    individuals=4,
    summary="in words.",
    trust=pb.TRUST_VERIFIED,
    agreement=0.9,
    kappa=0.75,
    guarantees=[pb.StopGuarantee(target=0.9, reached=True), pb.StopGuarantee(target=0.98)],
    audit=pb.Audit(answered=3, same=1, open_pairs=50, same_at_most=20),
    annotators=[
        pb.AnnotatorProgress(annotator_id="anna", answers=7, false_same_rate=0.012, answers_per_minute=5.5),
        pb.AnnotatorProgress(annotator_id="ben", answers=1),
    ],
)


def test_the_document_holds_what_is_known_and_null_for_the_rest() -> None:
    told = json.loads(json.dumps(document(STATE)))
    assert told["guarantees"] == {"0.90": True, "0.98": False}
    assert told["audit"] == {"answered": 3, "same": 1, "open_pairs": 50, "same_at_most": 20}
    assert [one["answers"] for one in told["annotators"]] == [7, 1]
    assert told["annotators"][1]["false_same_rate"] is None
    assert (told["trust"], told["agreement"], told["kappa"]) == ("verified", 0.9, 0.75)
    empty = document(pb.Progress())
    for unknown in ("audit", "agreement", "kappa", "open_pairs", "merges_left_at_most", "trust"):
        assert empty[unknown] is None


def test_the_text_tells_the_summary_the_agreement_and_the_annotators(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_text(STATE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "in words."
    assert lines[1].endswith("90%, kappa 0.75")
    rows = [line.split() for line in lines if line.strip().startswith(("anna", "ben"))]
    assert rows == [["anna", "7", "5.5", "1.2%"], ["ben", "1"]]


def test_a_session_without_answers_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(pb.Progress(summary="nothing yet."))
    assert capsys.readouterr().out == "nothing yet.\n"
