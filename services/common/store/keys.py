"""All keys of the store, and the version of its content.

All keys of one survey share the hash tag `{s:<survey>}`, so that a Redis Cluster keeps them in one slot and
a script may use several. With tokens on, the id of a survey is `<organisation>/<survey>`, and keys without a
survey belong to the organisation: `<owner>` is `spotted:{o:<organisation>}:`, or `spotted:` with tokens off.

| key                                                  | type   | holds                                     |
|------------------------------------------------------|--------|-------------------------------------------|
| `spotted:version`                                    | string | STORE_VERSION, or `1>2` during an upgrade |
| `spotted:upgrade`                                    | string | id of the running upgrade, for a minute   |
| `spotted:synced`                                     | string | empty; set to wait for earlier writes     |
| `spotted:{<tag of a key>}:synced`                    | string | as above in a cluster, a minute; or `:id` |
| `spotted:blocks`                                     | string | id of the blocks outside the store        |
| `spotted:blocks:swept`                               | string | present until blocks are to be swept next |
| `spotted:organisations`                              | set    | organisations with surveys or a catalogue |
| `<owner>surveys`                                     | hash   | survey id -> mark of its listing          |
| `spotted:{s:<survey>}:listing`                       | string | that mark, an hour until a creation ends  |
| `spotted:{s:<survey>}:journal`                       | list   | spotted.v1.SurveyEvent                    |
| `<a journal>:length`                                 | string | number of its entries                     |
| `spotted:{s:<survey>}:moving`                        | string | present while its vectors are moved       |
| `spotted:{s:<survey>}:moved`                         | string | generation, positions: which are moved    |
| `spotted:{s:<survey>}:sessions`                      | set    | session ids                               |
| `spotted:{s:<survey>}:session:<session>:journal`     | list   | spotted.v1.SessionEvent                   |
| `spotted:{s:<survey>}:session:<session>:upload:<id>` | list   | a journal being imported, for an hour     |
| `spotted:{s:<survey>}:restore:<id>:<session>`        | list   | a journal being restored, for an hour     |
| `spotted:{s:<survey>}:session:<session>:leases`      | hash   | pair -> annotator and end of lease        |
| `spotted:{s:<survey>}:request:<scope>:<id>`          | string | first answer to a request id, for one day |
| `<owner>head:<digest>`                               | string | spotted.v1.StoredHead                     |
| `<owner>trained:<survey>`                            | set    | digests of the heads trained on a survey  |
| `<owner>calibration:<digest>`                        | string | spotted.v1.StoredCalibration              |
| `<owner>reference:<digest>`                          | string | spotted.v1.StoredReference                |
| `<owner>operation:<id>`                              | string | spotted.v1.Operation, for thirty days     |
| `<owner>operation:<id>:cancel`                       | string | present if cancellation was requested     |
| `spotted:{s:<survey>}:local`                         | hash   | local features and scores, by their names |
| `spotted:{s:<survey>}:restore:<id>`                  | hash   | local features being restored, an hour    |
| `spotted:{s:<survey>}:training:<generation>`         | string | the training in progress                  |
| `spotted:{s:<survey>}:local:matching:<generation>`   | string | the matching in progress                  |
| `spotted:token:<id>`                                 | string | spotted.v1.StoredToken                    |
| `spotted:tokens`                                     | set    | token ids                                 |
| `spotted:{c:<organisation>}:journal`                 | list   | spotted.v1.CatalogueChange                |
| `spotted:{c:<organisation>}:restore:<id>`            | list   | a catalogue being restored, for an hour   |
| `spotted:{c:<organisation>}:request:<scope>:<id>`    | string | as of a survey                            |

The vectors of events may be in blocks outside the store (`services/common/store/moved.py`).

No script uses keys of two slots. An index is written before what it lists, and what is listed but absent is
skipped by its readers (`services/common/survey/listing.py` for surveys).

Entries of journals, messages, local features and kept answers end with a checksum of their place and content
(`services/common/store/seal.py`).
"""

from __future__ import annotations

STORE_VERSION = "4"
REQUEST_TTL_S = 24 * 3600
OPERATION_TTL_S = 30 * 24 * 3600

VERSION = "spotted:version"
UPGRADE = "spotted:upgrade"
# separates the two versions while a store is upgraded
UNDER_WAY = ">"
SYNCED = "spotted:synced"
SYNCED_TTL_S = 60
TOKENS = "spotted:tokens"
ORGANISATIONS = "spotted:organisations"
BLOCKS = "spotted:blocks"
BLOCKS_SWEPT = "spotted:blocks:swept"
# separates the organisation from the survey's own id
OF = "/"

# follows the key of a journal in the key of its length
LENGTH = ":length"

# survey_id, session_id
SessionKey = tuple[str, str]


def owner(survey_id: str) -> str:
    """The organisation that a survey belongs to; "" with tokens off."""
    organisation, of, _ = survey_id.rpartition(OF)
    return organisation if of else ""


def of_owner(organisation: str) -> str:
    """Prefix of an organisation's keys that belong to no survey."""
    return f"spotted:{{o:{organisation}}}:" if organisation else "spotted:"


def surveys(organisation: str) -> str:
    """The list of the surveys of an organisation."""
    return f"{of_owner(organisation)}surveys"


def synced(key: str) -> str:
    """A key of the slot of another, to wait for earlier writes there."""
    _, opens, rest = key.partition("{")
    tag, closes, _ = rest.partition("}")
    return f"spotted:{{{tag if opens and closes and tag else key}}}:synced"


def of_survey(survey_id: str) -> str:
    """Prefix of a survey's keys."""
    return f"spotted:{{s:{survey_id}}}:"


def survey_journal(survey_id: str) -> str:
    """The journal of a survey."""
    return f"{of_survey(survey_id)}journal"


def listing(survey_id: str) -> str:
    """The mark by which the list of the organisation has a survey."""
    return f"{of_survey(survey_id)}listing"


def moving(survey_id: str) -> str:
    """Present while vectors of a survey are moved to blocks."""
    return f"{of_survey(survey_id)}moving"


def moved(survey_id: str) -> str:
    """How far the vectors of a survey were moved to blocks."""
    return f"{of_survey(survey_id)}moved"


def sessions(survey_id: str) -> str:
    """The session ids of a survey."""
    return f"{of_survey(survey_id)}sessions"


def session_journal(survey_id: str, session_id: str) -> str:
    """The journal of a session."""
    return f"{of_survey(survey_id)}session:{session_id}:journal"


def journal(survey_id: str, session_id: str) -> str:
    """The journal of a session; an empty session_id stands for the survey's own journal."""
    return session_journal(survey_id, session_id) if session_id else survey_journal(survey_id)


def session_upload(survey_id: str, session_id: str, import_id: str) -> str:
    """A session's journal while it is imported."""
    return f"{of_survey(survey_id)}session:{session_id}:upload:{import_id}"


def restored_journal(survey_id: str, import_id: str, session_id: str) -> str:
    """A journal while a backup is restored; an empty session_id stands for the survey's own journal."""
    return f"{of_survey(survey_id)}restore:{import_id}:{session_id}"


def local_parts(survey_id: str) -> str:
    """The local features of a survey."""
    return f"{of_survey(survey_id)}local"


def restored_parts(survey_id: str, import_id: str) -> str:
    """The local features of a survey while a backup is restored."""
    return f"{of_survey(survey_id)}restore:{import_id}"


def leases(survey_id: str, session_id: str) -> str:
    """The leased pairs of a session."""
    return f"{of_survey(survey_id)}session:{session_id}:leases"


def request(survey_id: str, scope: str, request_id: str) -> str:
    """The first answer to a request id; `scope` is the rpc and its session, for which ids are unique."""
    return f"{of_survey(survey_id)}request:{scope}:{request_id}"


def session_scope(rpc: str, session_id: str) -> str:
    """The scope of a request id of a session's rpc."""
    return f"{rpc}:{session_id}"


def catalogue_id(organisation: str) -> str:
    """The id by which backups know a catalogue; no survey has such an id."""
    return f"{organisation}{OF}{OF}catalogue"


def catalogue_owner(named: str) -> str | None:
    """The organisation of a catalogue as backups call it; None for the id of a survey."""
    organisation, of, _ = named.partition(f"{OF}{OF}")
    return organisation if of and named == catalogue_id(organisation) else None


def of_catalogue(organisation: str) -> str:
    """Prefix of the keys of an organisation's catalogue."""
    return f"spotted:{{c:{organisation}}}:"


def catalogue_journal(organisation: str) -> str:
    """The journal of a catalogue."""
    return f"{of_catalogue(organisation)}journal"


def restored_catalogue(organisation: str, import_id: str) -> str:
    """The journal of a catalogue while a backup is restored."""
    return f"{of_catalogue(organisation)}restore:{import_id}"


def catalogue_request(organisation: str, scope: str, request_id: str) -> str:
    """The first answer to a request id of a catalogue's rpc."""
    return f"{of_catalogue(organisation)}request:{scope}:{request_id}"


def calibration(organisation: str, digest: str) -> str:
    """A calibration."""
    return f"{of_owner(organisation)}calibration:{digest}"


def reference(organisation: str, digest: str) -> str:
    """The histogram of a reference image."""
    return f"{of_owner(organisation)}reference:{digest}"


def head(organisation: str, digest: str) -> str:
    """An adaptation head by the SHA-256 of its ONNX bytes."""
    return f"{of_owner(organisation)}head:{digest}"


def trained(survey_id: str) -> str:
    """The digests of the heads that were trained on a survey; they outlast it."""
    return f"{of_owner(owner(survey_id))}trained:{survey_id}"


def operation(organisation: str, operation_id: str) -> str:
    """A long-running operation."""
    return f"{of_owner(organisation)}operation:{operation_id}"


def operation_cancel(organisation: str, operation_id: str) -> str:
    """Present if cancellation of an operation was requested."""
    return f"{operation(organisation, operation_id)}:cancel"


def training(survey_id: str, generation: str) -> str:
    """The training in progress on a survey; generation: distinguishes it from earlier ones with its id."""
    return f"{of_survey(survey_id)}training:{generation}"


def matching(survey_id: str, generation: str) -> str:
    """The matching of local features in progress on a survey; generation: as in `training`."""
    return f"{of_survey(survey_id)}local:matching:{generation}"


def token(token_id: str) -> str:
    """A bearer token."""
    return f"spotted:token:{token_id}"
