"""The servers around the library: embedder, scorer and sampler, and what they share.

A call's way is the same in each: `servicer` decodes, calls and encodes; `wire` checks what arrived and
makes messages of what is answered; the collaborators it calls are built in `__main__` and nowhere else.
The science they call is in `spotted`.

common      store, journals, errors on the wire, server, settings, heads, a survey as the fold of its journal
embedder    images to vectors; heads learned from places and times
scorer      surveys to scores: who could be whom
sampler     sessions to questions: the fewest answers that turn a survey into known individuals
"""
