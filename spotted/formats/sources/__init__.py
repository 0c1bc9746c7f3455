"""Where surveys came from.

source   the files of a survey and the options of its import
records  the sources that a data directory knows
"""

from spotted.formats.sources.records import forget, is_known, recall, remember
from spotted.formats.sources.source import Source

__all__ = ["Source", "forget", "is_known", "recall", "remember"]
