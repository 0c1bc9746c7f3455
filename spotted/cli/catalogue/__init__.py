"""`spotted catalogue`: the animals of an organisation over several surveys.

group     the group of commands, and what they share
reading   list and show
adding    add and identify
changing  name, merge, split, remove and undo
matching  match
text      entries and changes as text and as JSON
"""

from spotted.cli.catalogue.adding import add, identify
from spotted.cli.catalogue.changing import merge, name_entry, remove, split, undo
from spotted.cli.catalogue.group import catalogue
from spotted.cli.catalogue.matching import match
from spotted.cli.catalogue.reading import list_entries, show_entry

__all__ = [
    "add",
    "catalogue",
    "identify",
    "list_entries",
    "match",
    "merge",
    "name_entry",
    "remove",
    "show_entry",
    "split",
    "undo",
]
