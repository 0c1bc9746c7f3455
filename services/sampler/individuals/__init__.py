"""Individuals as people see them: read, named, merged, split, and watched from elsewhere.

requests  requests decoded and checked
listing   individuals by id, detection, name or change
changes   what people decide about individuals, each an event of the session's journal
results   the result of a change as a message
watching  changes of individuals as a stream that resumes at a cursor
"""

from services.sampler.individuals.changes import IndividualChanges
from services.sampler.individuals.watching import watch_individuals

__all__ = ["IndividualChanges", "watch_individuals"]
