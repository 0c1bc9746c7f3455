from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import OverloadedError
from spotted.survey import Survey
from spotted.testing.services import fake_services, local_services


def test_a_reply_stands_in_for_the_fake() -> None:
    def overloaded(_: object) -> None:
        raise OverloadedError("the queue is full", retry_after_s=3.0)

    with fake_services({"GetSurvey": overloaded}) as spotted:
        survey = spotted.create_survey(Survey("a", 0.0, 1.0))
        with pytest.raises(OverloadedError) as raised:
            survey.info()
    assert raised.value.retry_after_s == 3.0


def test_fakes_forget_everything_at_the_end() -> None:
    with fake_services() as spotted:
        spotted.create_survey(Survey("a", 0.0, 1.0))
    with fake_services() as another:
        assert list(another.surveys()) == []


def test_the_real_services_start_empty(models: Path) -> None:
    with local_services({"SPOTTED_MODELS": str(models)}) as spotted:
        assert list(spotted.surveys()) == []
        assert [model.model_id for model in spotted.models()] == ["efficientnet-lite0"]
