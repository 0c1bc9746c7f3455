"""Facts about pairs of detections besides answers: one image, names, encounters, and which may be asked.

kinds          facts by their source, and how a session uses known names
certain_facts  facts that no answer overrules, and the groups that they join
overrides      names and encounters that decisions of people superseded
scope          the pairs that may be asked about
pair_rows      rows of unordered pairs
"""

from spotted.facts.certain_facts import CertainFacts
from spotted.facts.kinds import Fact, KnownIndividuals, Source, known_name
from spotted.facts.overrides import Overrides
from spotted.facts.pair_rows import among, pair_keys
from spotted.facts.scope import Scope

__all__ = [
    "CertainFacts",
    "Fact",
    "KnownIndividuals",
    "Overrides",
    "Scope",
    "Source",
    "among",
    "known_name",
    "pair_keys",
]
