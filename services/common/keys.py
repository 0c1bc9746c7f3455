"""Every key of the store, and the version of what they hold.

All keys of one survey share the hash tag `{s:<survey>}`, so that a Redis Cluster keeps them in one slot
and a script may touch several.

| key                                                  | type   | holds                                     |
|------------------------------------------------------|--------|-------------------------------------------|
| `spotted:version`                                    | string | STORE_VERSION                             |
| `spotted:surveys`                                    | set    | survey ids                                |
| `spotted:{s:<survey>}:journal`                       | list   | spotted.v1.SurveyEvent                    |
| `spotted:{s:<survey>}:sessions`                      | set    | session ids                               |
| `spotted:{s:<survey>}:session:<session>:journal`     | list   | spotted.v1.SessionEvent                   |
| `spotted:{s:<survey>}:session:<session>:upload:<id>` | list   | a journal that arrives, for an hour       |
| `spotted:{s:<survey>}:session:<session>:leases`      | hash   | pair -> annotator and end of lease        |
| `spotted:{s:<survey>}:request:<scope>:<id>`          | string | first answer to a request id, for one day |
| `spotted:head:<digest>`                              | string | spotted.v1.StoredHead                     |
| `spotted:calibration:<digest>`                       | string | spotted.v1.StoredCalibration              |
| `spotted:reference:<digest>`                         | string | spotted.v1.StoredReference                |
| `spotted:operation:<id>`                             | string | spotted.v1.Operation, for thirty days     |
| `spotted:operation:<id>:cancel`                      | string | present where cancellation was asked for  |
| `spotted:training:<survey>`                          | string | the training under way, until it is quiet |
"""

from __future__ import annotations

STORE_VERSION = "1"
REQUEST_TTL_S = 24 * 3600
OPERATION_TTL_S = 30 * 24 * 3600

VERSION = "spotted:version"
SURVEYS = "spotted:surveys"

# survey_id, session_id
SessionKey = tuple[str, str]


def of_survey(survey_id: str) -> str:
    """What the keys of a survey begin with."""
    return f"spotted:{{s:{survey_id}}}:"


def survey_journal(survey_id: str) -> str:
    """The journal of a survey."""
    return f"{of_survey(survey_id)}journal"


def sessions(survey_id: str) -> str:
    """The session ids of a survey."""
    return f"{of_survey(survey_id)}sessions"


def session_journal(survey_id: str, session_id: str) -> str:
    """The journal of a session."""
    return f"{of_survey(survey_id)}session:{session_id}:journal"


def session_upload(survey_id: str, session_id: str, import_id: str) -> str:
    """A journal of a session on its way into the store."""
    return f"{of_survey(survey_id)}session:{session_id}:upload:{import_id}"


def leases(survey_id: str, session_id: str) -> str:
    """The pairs of a session that are being answered."""
    return f"{of_survey(survey_id)}session:{session_id}:leases"


def request(survey_id: str, scope: str, request_id: str) -> str:
    """The first answer to a request id; `scope` is the rpc and its session, which ids cannot cross."""
    return f"{of_survey(survey_id)}request:{scope}:{request_id}"


def calibration(digest: str) -> str:
    """A calibration."""
    return f"spotted:calibration:{digest}"


def reference(digest: str) -> str:
    """The histogram of a reference image."""
    return f"spotted:reference:{digest}"


def head(digest: str) -> str:
    """An adaptation head by the SHA-256 of its ONNX bytes."""
    return f"spotted:head:{digest}"


def operation(operation_id: str) -> str:
    """A long-running operation."""
    return f"spotted:operation:{operation_id}"


def operation_cancel(operation_id: str) -> str:
    """Present where cancellation of an operation was asked for."""
    return f"spotted:operation:{operation_id}:cancel"


def training(survey_id: str) -> str:
    """The training under way on a survey."""
    return f"spotted:training:{survey_id}"
