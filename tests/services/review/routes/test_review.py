from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.review.access.caller import Cookies
from services.review.images.cache import PictureCache
from services.review.images.pictures import Pictures
from services.review.images.places import Places
from services.review.routes.review import Review
from services.review.settings import ReviewSettings
from services.review.surveys.held import HeldSurveys
from spotted.errors import UnavailableError


def test_before_the_process_serves_nothing_is_asked(tmp_path: Path) -> None:
    settings, places = ReviewSettings(directory=tmp_path), Places(tmp_path)
    pictures = Pictures(places, PictureCache(tmp_path / "pictures", most_bytes=1))
    review = Review(
        settings, Cookies(settings, Fernet(Fernet.generate_key())), HeldSurveys(), places, pictures
    )
    with pytest.raises(UnavailableError, match="starting or stopping"):
        review.client()
