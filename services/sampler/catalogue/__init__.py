"""Sessions that draw on other surveys through the catalogue.

members    members of other surveys as detections of a session, and their source
drawing    the detections of sessions, beside such members
client     the same, read from the scorer
access     who may read such a session
"""

from services.sampler.catalogue.access import require_access
from services.sampler.catalogue.drawing import Drawing
from services.sampler.catalogue.members import CatalogueSource, Members

__all__ = ["CatalogueSource", "Drawing", "Members", "require_access"]
