import pytest

from spotted.errors import InvalidInputError
from spotted.training.methods.names import METHODS, find_method


def test_nine_methods_six_of_them_without_names() -> None:
    assert len(METHODS) == 9
    assert sum(not one.supervised for one in METHODS.values()) == 6
    assert all(find_method(name).name == name for name in METHODS)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="unknown method 'simsiam'; use simclr, moco"):
        find_method("simsiam")
