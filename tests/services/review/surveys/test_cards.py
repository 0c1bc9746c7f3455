from __future__ import annotations

from services.review.surveys.cards import BEST, ORDERS, card_form, change_form, details_form
from services.review.surveys.held import HeldSurvey
from spotted.client.values import Individual, IndividualsChange
from spotted.survey import Detection, ImageBox, Side
from tests.services.review.images.test_places import INFO

DETECTIONS = [
    Detection("a", "c1", 20.0, side=Side.LEFT, box=ImageBox(0, 0, 0.2, 0.2)),
    Detection("b", "c2", 10.0, side=Side.LEFT, box=ImageBox(0, 0, 0.5, 0.5)),
    Detection("c", "c1", None, side=Side.FRONT),
]
HELD = HeldSurvey(INFO, {d.detection_id: d for d in DETECTIONS})


def test_the_best_photograph_shows_the_animal_largest() -> None:
    card = card_form(Individual("ind-a", ("a", "b", "c", "gone")), HELD)
    best = card["best"]
    assert isinstance(best, dict)
    assert {side: one and one["detection_id"] for side, one in best.items()} == {
        "left": "b",
        "right": None,
        "other": "c",
    }
    assert (card["first_seen"], card["last_seen"]) == ("1970-01-01T00:00:10Z", "1970-01-01T00:00:20Z")
    # one was deleted from the survey since
    assert card["photographs"] == 4
    assert (card["cameras"], card["sides"]) == (["c1", "c2"], ["front", "left"])
    assert set().union(*BEST.values()) == set(Side)


def test_an_individual_of_deleted_photographs_is_a_card_too() -> None:
    gone = Individual("ind-x", ("x",), display_name="Sita")
    card = card_form(gone, HELD)
    assert (card["name"], card["first_seen"], card["cameras"]) == ("Sita", None, [])
    assert details_form(gone)["aliases"] == []
    change = change_form(IndividualsChange(4, (gone,), (), 0), HELD)
    assert (change["position"], change["individuals"]) == (4, [card])
    assert all(order(card) for order in ORDERS.values())
