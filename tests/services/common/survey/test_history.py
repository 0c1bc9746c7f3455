from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.common.survey.history import DetectionChange, DetectionHistory

STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "take"]), st.integers(0, 2)), max_size=14
)


@given(STEPS, st.integers(0, 14))
def test_changes_are_those_of_a_plain_record_of_everything(
    steps: list[tuple[str, str, int]], since: int
) -> None:
    history = DetectionHistory()
    present: dict[str, int] = {}
    images: dict[str, list[int]] = {}
    changed: dict[str, int] = {}
    for revision, (detection_id, step, image) in enumerate(steps, start=1):
        if step == "take" and detection_id in present:
            history.remove(detection_id, ("", bytes([present.pop(detection_id)])), revision)
        elif step == "put":
            before = present.get(detection_id)
            known = images.setdefault(detection_id, [])
            first = not known
            present[detection_id] = image
            if image not in known:
                known.append(image)
            if before is None:
                history.add(detection_id, ("", bytes([image])), revision)
                if first:
                    continue
            else:
                history.correct(detection_id, ("", bytes([before])), ("", bytes([image])), revision)
        else:
            continue
        changed[detection_id] = revision
    expected = [
        (i, i in present, revision)
        for i, revision in sorted(changed.items(), key=lambda item: -item[1])
        if revision > since
    ]
    found = list(history.since(since))
    assert [(one.detection_id, one.stored) for one in found] == [(i, stored) for i, stored, _ in expected]
    for one in found:
        if one.stored:
            assert one.version == images[one.detection_id].index(present[one.detection_id])
    assert history.versions() == {
        i: images[i].index(image) for i, image in present.items() if images[i].index(image)
    }


def test_a_detection_that_returns_with_its_image_has_its_version_again() -> None:
    history = DetectionHistory()
    history.add("a", ("", b"0"), 1)
    assert list(history.since(0)) == []
    history.remove("a", ("", b"0"), 2)
    history.add("a", ("", b"1"), 3)
    assert list(history.since(2)) == [DetectionChange("a", stored=True, version=1)]
    history.remove("a", ("", b"1"), 4)
    assert list(history.since(0)) == [DetectionChange("a", stored=False, version=1)]
    history.add("a", ("", b"0"), 5)
    assert list(history.since(0)) == [DetectionChange("a", stored=True, version=0)]
    assert history.version("a") == 0


def test_a_correction_of_other_fields_is_a_change_of_the_same_version() -> None:
    history = DetectionHistory()
    history.correct("a", ("", b"0"), ("", b"0"), 3)
    assert list(history.since(2)) == [DetectionChange("a", stored=True, version=0)]
    assert history.versions() == {}
