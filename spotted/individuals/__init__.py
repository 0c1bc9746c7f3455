"""The individuals that people keep: stable ids, names and what a person decides about them.

Constraints give a partition of the items; an individual is a component of it with an identity of its own. Its
id belongs to a founding item, so that it never changes when other members come or go.

attributes  name, sex, status, notes and tags, and updates of them
founders    the items that individuals are founded on, and which of them an individual has its id from
register    the individuals of a partition as it changes, and which of them changed when
decisions   what a merge, a split or a move states, and the labels that stand against it
contrary_facts  known names and encounters that stand against them
membership  how sure it is that each detection belongs to its individual
naming      the name of each detection in files: typed names first, ids for unnamed animals
"""

from spotted.individuals.attributes import Attributes, Sex, Status, Update
from spotted.individuals.contrary_facts import facts_against
from spotted.individuals.decisions import Decision, decide
from spotted.individuals.founders import Founder, Founders
from spotted.individuals.membership import GivenAnswer, trust_members
from spotted.individuals.naming import CellChange, NameConflict, NamedIndividual, Naming, name_detections
from spotted.individuals.register import Register, differing

__all__ = [
    "Attributes",
    "CellChange",
    "Decision",
    "Founder",
    "Founders",
    "GivenAnswer",
    "NameConflict",
    "NamedIndividual",
    "Naming",
    "Register",
    "Sex",
    "Status",
    "Update",
    "decide",
    "differing",
    "facts_against",
    "name_detections",
    "trust_members",
]
