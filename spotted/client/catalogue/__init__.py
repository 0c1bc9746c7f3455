"""The catalogue from Python: animals over several surveys.

handle    `CatalogueHandle`: the catalogue of the caller's organisation
reading   the part of it that only reads
sources   animals to add, from sessions and from known names
messages  messages about the catalogue as values, and back
"""

from spotted.client.catalogue.handle import CatalogueHandle

__all__ = ["CatalogueHandle"]
