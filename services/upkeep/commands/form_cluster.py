"""`spotted form-cluster`: make nodes one cluster, or bring them together again."""

from __future__ import annotations

from pathlib import Path

import click

from services.common.store import address
from services.upkeep.cluster import ClusterNode, form_cluster
from services.upkeep.commands.store_option import store_options
from spotted.console import err
from spotted.errors import PreconditionError


@click.command("form-cluster")
@click.option("--replicas-each", type=click.IntRange(0, 5), default=1, show_default=True)
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(0.0),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
)
@store_options
def form(*, replicas_each: int, patience_s: float, url: str | None, directory: Path) -> None:  # noqa: ARG001 - one of the options of a store
    """Make the nodes of a store's URL one cluster; those named first become the primaries.

    Repeat it at any time: it makes only what is missing, e.g. after all nodes were started with new
    addresses, and moves no key.
    """
    given = address.parse(url) if url else None
    if given is None or not given.cluster:
        raise PreconditionError("name all nodes: --store redis+cluster://HOST:PORT,HOST:PORT,HOST:PORT")
    nodes = [ClusterNode(host, port, given.node(host, port)) for host, port in given.cluster]
    try:
        with err.status("forming the cluster"):
            form_cluster(nodes, replicas=replicas_each, patience_s=patience_s)
    finally:
        for node in nodes:
            node.client.close()
    click.echo(f"one cluster of {len(nodes)} nodes, every slot has a primary")
