"""The durable store, and state kept in it as journals.

store            connections to any server or cluster with the Redis protocol and append-only files
address          one server, the primary found through Sentinels, or a cluster
nodes            the server that holds a key
cluster          the node of a cluster that holds a key, through redirects
failures         store failures as errors with a remedy
keys             every key, and the version of the store's content
seal             checksums of stored values
moved            entries of which a part is in a block outside the store
records          single messages with a checksum
request_content  digests by which a repeated request differs from another with its id
journal          lists of events, appended at a known position
operations       long-running work, whose progress outlives any process
catalogue_journal  the list of changes of a catalogue
organisations    the index of the organisations
folded           in-memory state rebuilt from a journal
cache            a bounded in-memory cache, least recently used first out
"""

from services.common.store.cache import Recent
from services.common.store.folded import Folded, Reply
from services.common.store.journal import Change, Fields, Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store

__all__ = ["Change", "Fields", "Folded", "Journal", "Recent", "Reply", "SessionKey", "Store"]
