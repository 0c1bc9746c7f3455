"""An annotation session: its state, and every change to it as an event of its journal.

sessions         sessions created, answered, retracted
state            a session rebuilt from its journal
following        detections that were deleted, added again or corrected, taken in
catalogue_following  members of the catalogue that came, went or were corrected, taken in
catching_up      when a source that a session follows is read again
defaults         defaults for fields that the session's creator left unset
labels           which pairs labels answer, and their counts
identity         ids and attributes of individuals, and what changed when
individual_messages  individuals as messages
planned          the latest round and audit
label_checks     labels to store and to retract
reading          the survey read into a session outside a round
settings_change  changes of a session's settings
notices          notice that a further annotator sees first
leases           which pairs are reserved for which annotator
event_pages      the kinds of events, and pages of a journal
session_import   a session imported from its journal
imported_events  its events, checked and converted
imported_changes  its changes of individuals
progress         how far a session is
"""

from services.sampler.session.defaults import LEARNING
from services.sampler.session.leases import IdPair, Lease, Leases
from services.sampler.session.planned import Planned
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.session_import import import_session
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState

__all__ = [
    "LEARNING",
    "IdPair",
    "Lease",
    "Leases",
    "Planned",
    "SessionState",
    "Sessions",
    "full_progress",
    "import_session",
    "quick_progress",
]
