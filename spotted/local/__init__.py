"""Spotted on one machine: a real store and the three services as child processes.

processes  starting, finding and stopping them
diagnosis  what is wrong with a local run, and what to do
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
