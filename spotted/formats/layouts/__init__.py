"""Which layout files have.

recognition  the layout of a path, with the reason
"""

from spotted.formats.layouts.recognition import LAYOUTS, Recognised, recognise

__all__ = ["LAYOUTS", "Recognised", "recognise"]
