"""Vectors in blocks outside the store: immutable, each of one survey, named by its content.

An acknowledged vector is in the journal first. A survey's vectors of some megabytes are then written as one
block, which is read back before the entries of the journal refer to it.

places   where blocks are kept: a folder
buckets  an object store in its stead
blocks   the blocks of one store, read and written
joining  the agreement of all services on one place
mover    moves the vectors of a survey
moving   the thread that does so for all surveys
sweeping  removes blocks that no journal names
"""

from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.joining import open_joined, open_vector_blocks
from services.common.vectors.moving import Moving

__all__ = ["Moving", "VectorBlocks", "open_joined", "open_vector_blocks"]
