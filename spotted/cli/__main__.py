"""`python -m spotted.cli`: the `spotted` command."""

from spotted.cli import main

main(prog_name="spotted")
