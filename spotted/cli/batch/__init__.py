"""`spotted batch`: many or large surveys in parallel blocks, on this machine or a Ray cluster.

candidates  the candidates of a survey that the services have
embed       the surveys of a directory embedded
match       the candidates of all of them
options     options and progress that they share
"""

import click

from spotted.cli.batch.candidates import candidates
from spotted.cli.batch.embed import embed
from spotted.cli.batch.match import match


@click.group()
def batch() -> None:
    """Process large surveys in parallel blocks."""


for command in (candidates, embed, match):
    batch.add_command(command)

__all__ = ["batch", "candidates", "embed", "match"]
