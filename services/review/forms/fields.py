"""The fields of a request's body, checked before they are used."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from spotted.errors import InvalidInputError

EnumT = TypeVar("EnumT", bound=enum.Enum)
LONGEST_TEXT = 10_000
MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object; every method raises InvalidInputError that names the field."""

    fields: Mapping[str, object]
    """The object."""
    path: str = ""
    """The path of the object, which comes before the names of its fields."""

    @classmethod
    async def of(cls, request: Request) -> Body:
        """The body of a request; an empty one has no fields."""
        content = await request.body()
        try:
            found = json.loads(content) if content else {}
        except ValueError as error:
            raise InvalidInputError(f"the request is no JSON ({error}); reload the page") from error
        if not isinstance(found, dict):
            raise InvalidInputError("the request is no JSON object; reload the page")
        return cls(found)

    @classmethod
    def of_query(cls, request: Request) -> Body:
        """The parameters of a request's address."""
        return cls(dict(request.query_params))

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self.fields

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise self._wrong(name, f"a text of at most {LONGEST_TEXT} characters")
        return value

    def required(self, name: str) -> str:
        """A text that is not empty."""
        value = self.text(name)
        if not value:
            raise self._wrong(name, "a text that is not empty")
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int) -> int:
        """A whole number."""
        value = self.fields.get(name, default)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(name, f"a whole number from {least} to {most}")
        return value

    def wholes(self, name: str, *, most: int) -> list[int]:
        """A list of whole numbers from 0 on; none if it is not there."""
        value = self.fields.get(name, [])
        if (
            not isinstance(value, list)
            or len(value) > MOST_ITEMS
            or not all(type(v) is int and 0 <= v <= most for v in value)
        ):
            raise self._wrong(name, f"a list of at most {MOST_ITEMS} whole numbers from 0 to {most}")
        return [int(v) for v in value]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false; "1" and "0" in an address."""
        value = self.fields.get(name, default)
        if isinstance(value, str) and value in {"0", "1"}:
            return value == "1"
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; none if it is not there. In an address they are separated by commas."""
        value = self.fields.get(name, [])
        if isinstance(value, str):
            value = [part for part in value.split(",") if part]
        if (
            not isinstance(value, list)
            or len(value) > MOST_ITEMS
            or not all(isinstance(v, str) for v in value)
        ):
            raise self._wrong(name, f"a list of at most {MOST_ITEMS} texts")
        return [str(one) for one in value]

    def objects(self, name: str) -> list[Body]:
        """A list of objects; none if it is not there."""
        value = self.fields.get(name, [])
        if (
            not isinstance(value, list)
            or len(value) > MOST_ITEMS
            or not all(isinstance(v, dict) for v in value)
        ):
            raise self._wrong(name, f"a list of at most {MOST_ITEMS} objects")
        return [Body(one, f"{self.path}{name}[{index}].") for index, one in enumerate(value)]

    def chosen(self, name: str, kind: type[EnumT]) -> EnumT:
        """A member of an enum by its name in lower case."""
        value = self.text(name)
        try:
            return kind[value.upper()]
        except KeyError:
            raise self._wrong(name, f"one of {', '.join(one.name.lower() for one in kind)}") from None

    def _wrong(self, name: str, expected: str) -> InvalidInputError:
        value = json.dumps(self.fields.get(name))[:80]
        field = f"{self.path}{name}"
        return InvalidInputError(f"{field} is {value}; use {expected}", field=field)
