"""The labels of a session: which of them stand, their counts, and their outcomes as messages.

ledger          which labels stand, and the changes of individuals by people
label_counts    labels counted by answer, time and annotator
label_outcomes  outcomes and conflicts of labels as messages
"""

from services.sampler.labels.label_counts import LabelCounts
from services.sampler.labels.ledger import Ledger, PersonsChange

__all__ = ["LabelCounts", "Ledger", "PersonsChange"]
