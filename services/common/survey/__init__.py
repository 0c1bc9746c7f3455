"""A survey as services hold it.

existence  which surveys and sessions exist
existence_scripts  their atomic steps
listing    the lists of the surveys of organisations
state      a survey rebuilt from its journal, and immutable snapshots of it
rows       its detections as rows that grow in place
history    which detections left, returned or were corrected
filters    rules on detections
periods    when a survey and its cameras take photographs
places     where cameras stand, on one plane
heads      adaptation heads in the store
survey_operations  operations of which a survey runs one at a time
local_parts  local features in the store, beside the journal
"""

from services.common.survey.existence import Existence, UploadLostError, missing_detection, missing_survey
from services.common.survey.heads import HeadStore, StoredHead
from services.common.survey.history import DetectionChange, DetectionHistory
from services.common.survey.periods import Period, outside_period
from services.common.survey.places import check_places, place
from services.common.survey.state import (
    Snapshot,
    SurveyState,
    described,
    etag,
    folded_survey,
    uid_of,
    vector_digest,
)

__all__ = [
    "DetectionChange",
    "DetectionHistory",
    "Existence",
    "HeadStore",
    "Period",
    "Snapshot",
    "StoredHead",
    "SurveyState",
    "UploadLostError",
    "check_places",
    "described",
    "etag",
    "folded_survey",
    "missing_detection",
    "missing_survey",
    "outside_period",
    "place",
    "uid_of",
    "vector_digest",
]
