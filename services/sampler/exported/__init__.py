"""A session in a file that was exported, without a store and without a sampler that runs.

Run `python -m services.sampler.exported FILE`: `spotted train --from-session FILE` starts it as a process of
its own.

lines  what follows from a journal, as lines of JSON
"""

from services.sampler.exported.lines import state_lines

__all__ = ["state_lines"]
