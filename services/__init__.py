"""The deployed services: thin servers around the library.

A call takes the same way in each: `servicer` decodes, calls and encodes; `wire` (in the scorer `requests` and
`responses`) turns messages into library values and back; the collaborators are built in `__main__` only.
The science is in `spotted`. Services never import each other.

common    what all services share: settings, telemetry, store, rpc, access, surveys
embedder  images to embeddings; adaptation heads
scorer    surveys to scores and candidates
sampler   sessions to questions, labels and individuals
review    the page on which experts answer, in a browser
upkeep    what an operator runs on the store: tokens, certificates, backups, upgrades
"""
