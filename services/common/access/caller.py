"""The caller of the current call, and the role that the contract requires for each rpc."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from google.protobuf.descriptor import MethodDescriptor

from services.common.store import keys
from spotted.errors import InvalidInputError, PermissionDeniedError
from spotted.v1 import access_pb2 as pb
from spotted.v1 import catalogue_pb2, embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2

CONTRACT = (embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2, catalogue_pb2)
SEES_POSITIONS = pb.ROLE_WRITE


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a token, or anyone with tokens off."""

    token_id: str = ""
    """"" without a token."""
    organisation: str = ""
    """The organisation whose surveys it may access; "" for services, and with tokens off."""
    role: pb.Role.ValueType = pb.ROLE_SERVICE
    surveys: tuple[str, ...] = ()
    """Patterns of the surveys that it may access; empty for all."""
    quota: pb.Quota = field(default_factory=pb.Quota)
    """Limits of the token."""

    @property
    def prefix(self) -> str:
        """Prefix of the store's ids of its surveys."""
        return f"{self.organisation}{keys.OF}" if self.organisation else ""

    @property
    def speaks_for_all(self) -> bool:
        """Whether it is a service of Spotted, which uses the store's survey ids."""
        return bool(self.token_id) and not self.organisation

    @property
    def sees_positions(self) -> bool:
        """Whether it may see the positions of cameras."""
        return self.role >= SEES_POSITIONS

    def sees(self, survey_id: str) -> bool:
        """Whether it may access a survey, by the id that the caller uses."""
        return not self.surveys or any(fnmatchcase(survey_id, pattern) for pattern in self.surveys)

    def qualified(self, survey_id: str) -> str:
        """The store's id of a survey.

        Raises PermissionDeniedError if the token is not valid for it, InvalidInputError for an id with an
        organisation.
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
                f"this token is valid for {', '.join(self.surveys)}, but not for survey {survey_id!r}; use "
                "another token"
            )
        return self.prefix + survey_id

    def own(self, text: str) -> str:
        """A text with the store's survey ids replaced by the ids that the caller uses."""
        # within a word, e.g. calls/second, it is not an organisation, nor in the id of a detection elsewhere
        return re.sub(rf"(?<![\w./~-]){re.escape(self.prefix)}", "", text) if self.prefix else text


# the caller with tokens off, and outside of a call
ANYONE = Caller()
_CALLER: ContextVar[Caller] = ContextVar("caller", default=ANYONE)


def current_caller() -> Caller:
    """The caller of the current call."""
    return _CALLER.get()


def set_caller(caller: Caller) -> None:
    """Set the caller of the current call, for this task and the threads that it uses."""
    _CALLER.set(caller)


def methods() -> dict[str, MethodDescriptor]:
    """Every rpc of the contract by its path, e.g. `/spotted.v1.ScorerService/GetSurvey`."""
    return {
        f"/{service.full_name}/{method.name}": method
        for module in CONTRACT
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def least_role(method: MethodDescriptor) -> pb.Role.ValueType:
    """The least role that may call an rpc; the role of services if the contract names none."""
    role: pb.Role.ValueType = method.GetOptions().Extensions[pb.least_role]
    return role or pb.ROLE_SERVICE


def authorise(caller: Caller, method: MethodDescriptor) -> None:
    """Raise PermissionDeniedError if a caller's role may not call an rpc."""
    least = least_role(method)
    if caller.role < least:
        raise PermissionDeniedError(
            f"this call needs a token of role {role_name(least)} or higher, this token has role "
            f"{role_name(caller.role)}; use another token"
        )


def role_name(role: pb.Role.ValueType) -> str:
    """A role as users write it, e.g. `annotate`."""
    return pb.Role.Name(role).removeprefix("ROLE_").lower()
