"""The layouts of files.

recognition       the layout of a path, with the reason
catalogue_export  a survey of any layout written as a catalogue
"""

from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.layouts.recognition import LAYOUTS, Recognised, recognise

__all__ = ["LAYOUTS", "Recognised", "recognise", "write_as_catalogue"]
