"""Stored surveys corrected from edited files, and stored content removed.

reimport  the differences between a survey and its files, shown and carried out
outcome   an import carried out: a survey created, or corrected
delete    `spotted delete detection | camera | survey`
"""

from spotted.cli.corrections.reimport import Changes, apply_changes, document, lines, read_changes

__all__ = ["Changes", "apply_changes", "document", "lines", "read_changes"]
