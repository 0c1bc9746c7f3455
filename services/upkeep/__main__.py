"""`python -m services.upkeep`: the commands of `spotted` that work on the store itself."""

from __future__ import annotations

import click

from services.upkeep.commands import backup, certificate, form_cluster, restore, token, upgrade
from spotted.console import EXIT_CODE_HELP, SpottedGroup


@click.group(
    cls=SpottedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODE_HELP,
)
def main() -> None:
    """Operate a store: backups, upgrades, tokens, certificates."""


for command in (
    backup.backup,
    restore.restore_files,
    upgrade.upgrade,
    token.token,
    certificate.certificate,
    form_cluster.form,
):
    main.add_command(command)

if __name__ == "__main__":
    # people call these commands as `spotted`
    main(prog_name="spotted")
