"""The journal of a session, as the sampler writes it and as backups read it.

events          its events, each checked against those before it
changes         changes of individuals by people
facts           facts about detections, as columns
settings        settings that can change
labels          which answers are valid
round_messages  rounds as the journal stores them
"""

from services.common.session.events import SessionEvents
from services.common.session.labels import MOST_LABELS, check_label

__all__ = ["MOST_LABELS", "SessionEvents", "check_label"]
