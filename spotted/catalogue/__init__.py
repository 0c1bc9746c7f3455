"""The catalogue: named animals over several surveys, as people and files state them.

A statement about a detection, a name or two entries is a fact; changes of facts can be undone. What a reader
sees depends only on the surveys that it may read.

facts       facts, changes of them, and how a change is undone
entries     the animals that a reader sees
additions   animals to add: which entry each is, or why it is refused
statements  attributes, merges, splits and removals as facts
foreign_ids  ids of detections of other surveys in a session
differences  how entries differ from those that a watcher has
"""

from spotted.catalogue.differences import Differences, find_differences
from spotted.catalogue.entries import CatalogueView, Entry
from spotted.catalogue.facts import Attribute, Change, Fact, Facts, Link, Member, Membership

__all__ = [
    "Attribute",
    "CatalogueView",
    "Change",
    "Differences",
    "Entry",
    "Fact",
    "Facts",
    "Link",
    "Member",
    "Membership",
    "find_differences",
]
