"""Spotted on one machine: a real store and the three services as child processes.

processes  start, find and stop the processes
diagnosis  faults of a local run, each with its remedy
"""

from spotted.local.processes import (
    LOOPBACK,
    SERVICES,
    Member,
    end,
    free_port,
    start_service,
    start_store,
    wait,
)

__all__ = ["LOOPBACK", "SERVICES", "Member", "end", "free_port", "start_service", "start_store", "wait"]
