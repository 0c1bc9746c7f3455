"""The servers around the library: embedder, scorer and sampler, what they share, and what keeps them.

A call's way is the same in each: `servicer` decodes, calls and encodes; `wire` checks what arrived and
makes messages of what is answered; the collaborators it calls are built in `__main__` and nowhere else.
The science they call is in `spotted`.

common      store, journals, errors on the wire, server, settings, heads, a survey as the fold of its journal;
            who is let in (guard, access, tokens, quotas), what is seen (watching, metrics, logs, tracing)
embedder    images to vectors; heads learned from places and times
scorer      surveys to scores: who could be whom
upkeep      what an operator runs on the store itself: tokens, certificates, backups, restores, upgrades
sampler     sessions to questions: the fewest answers that turn a survey into known individuals
"""
