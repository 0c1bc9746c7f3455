"""`spotted`, `python -m spotted`: the command, which loads its modules interruptibly."""

from spotted.interrupts import ended_by_interrupt


def main() -> None:
    """Run the command."""
    with ended_by_interrupt():
        from spotted.cli import main as command  # noqa: PLC0415 - loading it is what may be interrupted
    command(prog_name="spotted")


if __name__ == "__main__":
    main()
