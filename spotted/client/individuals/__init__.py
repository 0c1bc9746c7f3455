"""Individuals of a session from Python: named, merged, split and moved.

handle    `IndividualHandle`: one individual of a session
messages  messages about individuals as values, and back
"""

from spotted.client.individuals.handle import IndividualHandle

__all__ = ["IndividualHandle"]
