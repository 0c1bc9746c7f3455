"""Who calls, and what a caller may do: each rpc takes the least role that the contract gives it."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from google.protobuf.descriptor import MethodDescriptor

from services.common.store import keys
from spotted.errors import InvalidInputError, PermissionDeniedError
from spotted.v1 import access_pb2 as pb
from spotted.v1 import embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2

CONTRACT = (embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2)
SEES_POSITIONS = pb.ROLE_WRITE


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    token_id: of the token, "" without one. organisation: whose surveys it sees; "" for services, and where
    tokens are off. surveys: patterns of those that it sees, none for all. quota: what it may use up.
    """

    token_id: str = ""
    organisation: str = ""
    role: pb.Role.ValueType = pb.ROLE_SERVICE
    surveys: tuple[str, ...] = ()
    quota: pb.Quota = field(default_factory=pb.Quota)

    @property
    def prefix(self) -> str:
        """What the store's ids of its surveys begin with."""
        return f"{self.organisation}{keys.OF}" if self.organisation else ""

    @property
    def speaks_for_all(self) -> bool:
        """Whether it is one of our own services, which name surveys as the store does."""
        return bool(self.token_id) and not self.organisation

    @property
    def sees_positions(self) -> bool:
        """Whether it may see where cameras are."""
        return self.role >= SEES_POSITIONS

    def sees(self, survey_id: str) -> bool:
        """Whether it sees a survey, by the id that it uses for it."""
        return not self.surveys or any(fnmatchcase(survey_id, pattern) for pattern in self.surveys)

    def qualified(self, survey_id: str) -> str:
        """The store's id of a survey.

        Raises PermissionDeniedError where the token is not for it, InvalidInputError for an id that reaches
        into another organisation.
        """
        if not survey_id or self.speaks_for_all:
            return survey_id
        if keys.OF in survey_id:
            raise InvalidInputError(
                f"survey_id is {survey_id!r}; use 1 to 64 letters, digits and `._-`, beginning with a letter "
                "or digit",
                field="survey_id",
            )
        if not self.sees(survey_id):
            raise PermissionDeniedError(
                f"this token is for {', '.join(self.surveys)} and not for survey {survey_id!r}; use another "
                "token"
            )
        return self.prefix + survey_id

    def own(self, text: str) -> str:
        """A text with the ids that it uses for its surveys."""
        # within a word, such as calls/second, it is no organisation
        return re.sub(rf"(?<![\w./-]){re.escape(self.prefix)}", "", text) if self.prefix else text


# who is served where nothing was checked: tokens are off, or it is no call
ANYONE = Caller()
_CALLER: ContextVar[Caller] = ContextVar("caller", default=ANYONE)


def current_caller() -> Caller:
    """Who is being served."""
    return _CALLER.get()


def serve(served: Caller) -> None:
    """Serve a caller from here on, in this task and the threads it starts work in."""
    _CALLER.set(served)


def methods() -> dict[str, MethodDescriptor]:
    """Every rpc of the contract by its path, such as `/spotted.v1.ScorerService/GetSurvey`."""
    return {
        f"/{service.full_name}/{method.name}": method
        for module in CONTRACT
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def least_role(method: MethodDescriptor) -> pb.Role.ValueType:
    """The least role that an rpc takes; that of services where the contract names none."""
    role: pb.Role.ValueType = method.GetOptions().Extensions[pb.least_role]
    return role or pb.ROLE_SERVICE


def authorise(served: Caller, method: MethodDescriptor) -> None:
    """Raise PermissionDeniedError where a caller's role may not call an rpc."""
    least = least_role(method)
    if served.role < least:
        raise PermissionDeniedError(
            f"{method.name} takes a token of role {role_name(least)} or higher, this one is for "
            f"{role_name(served.role)}; use another token"
        )


def role_name(role: pb.Role.ValueType) -> str:
    """A role as users write it, such as `annotate`."""
    return pb.Role.Name(role).removeprefix("ROLE_").lower()
