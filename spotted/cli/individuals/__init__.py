"""`spotted individuals`: the animals of a session, and changes of them by people.

group     the group of commands, and what they share
reading   list and show
changing  name, merge, split, move and undo
text      individuals and changes as text and as JSON
"""

from spotted.cli.individuals.changing import merge, move, name_individual, split, undo
from spotted.cli.individuals.group import individuals
from spotted.cli.individuals.reading import list_individuals, show_individual

__all__ = [
    "individuals",
    "list_individuals",
    "merge",
    "move",
    "name_individual",
    "show_individual",
    "split",
    "undo",
]
