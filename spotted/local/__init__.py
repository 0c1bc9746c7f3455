"""Spotted on one machine: a real store and the three services as child processes.

processes    start, find and stop the processes
lock         one store per data directory
run_lock     one run of a command at a time
append_only  whether the store's file is what it was left as
ports        ports that outlast a run
models       where backbones are kept, and how a missing one gets there
platforms    systems on which the store runs
review_keys  one-time keys of the review page
review_page  the review page as a process
health       whether a process answers
log_lines    messages of the processes' logs
vectors      the folder of vectors
memory       the part of the machine's memory that each service takes
diagnosis    faults of a local run, each with its remedy
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
