"""An annotation session: its state, and every change to it as an event of its journal.

sessions         sessions created, answered, retracted
state            a session rebuilt from its journal
defaults         defaults for fields that the session's creator left unset
labels           which answers are valid
departures       detections that left, and the labels that still count
following        sessions follow the changes of their survey
label_outcomes   outcomes and conflicts of labels as messages
leases           which pairs are reserved for which annotator
session_import   a session imported from its journal
imported_events  its events, checked one by one
round_messages   rounds as the journal stores them
progress         how far a session is
"""

from services.sampler.session.defaults import LEARNING
from services.sampler.session.labels import MOST_LABELS, check_label
from services.sampler.session.leases import IdPair, Lease, Leases
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.session_import import import_session
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import Planned, SessionState

__all__ = [
    "LEARNING",
    "MOST_LABELS",
    "IdPair",
    "Lease",
    "Leases",
    "Planned",
    "SessionState",
    "Sessions",
    "check_label",
    "full_progress",
    "import_session",
    "quick_progress",
]
