"""Every key of the store, and the version of what they hold.

All keys of one survey share the hash tag `{s:<survey>}`, so that a Redis Cluster keeps them in one slot
and a script may touch several. Where tokens are on, the id of a survey is `<organisation>/<survey>`, and what
is no survey's own stands under the organisation: `<owner>` is `spotted:{o:<organisation>}:`, or `spotted:`
where tokens are off.

| key                                                  | type   | holds                                     |
|------------------------------------------------------|--------|-------------------------------------------|
| `spotted:version`                                    | string | STORE_VERSION, or `1>2` during an upgrade |
| `spotted:upgrade`                                    | string | who upgrades the store, for a minute      |
| `spotted:synced`                                     | string | nothing; set to wait for writes before it |
| `<owner>surveys`                                     | set    | survey ids                                |
| `spotted:{s:<survey>}:journal`                       | list   | spotted.v1.SurveyEvent                    |
| `spotted:{s:<survey>}:sessions`                      | set    | session ids                               |
| `spotted:{s:<survey>}:session:<session>:journal`     | list   | spotted.v1.SessionEvent                   |
| `spotted:{s:<survey>}:session:<session>:upload:<id>` | list   | a journal that arrives, for an hour       |
| `spotted:{s:<survey>}:restore:<id>:<session>`        | list   | one of a backup that arrives, for an hour |
| `spotted:{s:<survey>}:session:<session>:leases`      | hash   | pair -> annotator and end of lease        |
| `spotted:{s:<survey>}:request:<scope>:<id>`          | string | first answer to a request id, for one day |
| `<owner>head:<digest>`                               | string | spotted.v1.StoredHead                     |
| `<owner>calibration:<digest>`                        | string | spotted.v1.StoredCalibration              |
| `<owner>reference:<digest>`                          | string | spotted.v1.StoredReference                |
| `<owner>operation:<id>`                              | string | spotted.v1.Operation, for thirty days     |
| `<owner>operation:<id>:cancel`                       | string | present where cancellation was asked for  |
| `spotted:training:<survey>`                          | string | the training under way, until it is quiet |
| `spotted:token:<id>`                                 | string | spotted.v1.StoredToken                    |
"""

from __future__ import annotations

STORE_VERSION = "1"
REQUEST_TTL_S = 24 * 3600
OPERATION_TTL_S = 30 * 24 * 3600

VERSION = "spotted:version"
UPGRADE = "spotted:upgrade"
# between the versions, in the version of a store whose upgrade has begun
UNDER_WAY = ">"
SYNCED = "spotted:synced"
TOKENS = "spotted:token:"
# what the keys of an organisation begin with, all organisations taken together
ORGANISATIONS = "spotted:{o:"
# between the organisation and the survey's own id
OF = "/"

# survey_id, session_id
SessionKey = tuple[str, str]


def owner(survey_id: str) -> str:
    """The organisation that a survey belongs to; "" where tokens are off."""
    organisation, of, _ = survey_id.rpartition(OF)
    return organisation if of else ""


def of_owner(organisation: str) -> str:
    """What the keys of an organisation begin with that are no survey's."""
    return f"spotted:{{o:{organisation}}}:" if organisation else "spotted:"


def surveys(organisation: str) -> str:
    """The survey ids of an organisation."""
    return f"{of_owner(organisation)}surveys"


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


def restored_journal(survey_id: str, import_id: str, session_id: str) -> str:
    """A journal of a backup on its way into the store; of the survey itself where session_id is empty."""
    return f"{of_survey(survey_id)}restore:{import_id}:{session_id}"


def leases(survey_id: str, session_id: str) -> str:
    """The pairs of a session that are being answered."""
    return f"{of_survey(survey_id)}session:{session_id}:leases"


def request(survey_id: str, scope: str, request_id: str) -> str:
    """The first answer to a request id; `scope` is the rpc and its session, which ids cannot cross."""
    return f"{of_survey(survey_id)}request:{scope}:{request_id}"


def calibration(organisation: str, digest: str) -> str:
    """A calibration."""
    return f"{of_owner(organisation)}calibration:{digest}"


def reference(organisation: str, digest: str) -> str:
    """The histogram of a reference image."""
    return f"{of_owner(organisation)}reference:{digest}"


def head(organisation: str, digest: str) -> str:
    """An adaptation head by the SHA-256 of its ONNX bytes."""
    return f"{of_owner(organisation)}head:{digest}"


def operation(organisation: str, operation_id: str) -> str:
    """A long-running operation."""
    return f"{of_owner(organisation)}operation:{operation_id}"


def operation_cancel(organisation: str, operation_id: str) -> str:
    """Present where cancellation of an operation was asked for."""
    return f"{operation(organisation, operation_id)}:cancel"


def training(survey_id: str) -> str:
    """The training under way on a survey."""
    return f"spotted:training:{survey_id}"


def token(token_id: str) -> str:
    """A bearer token."""
    return f"{TOKENS}{token_id}"
