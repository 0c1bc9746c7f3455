"""The layouts of files.

recognition        the layout of a path, with the reason
contents           files and titles that show a layout
wildlife_insights  exports of Wildlife Insights
camtrapr           tables of records and stations of camtrapR
catalogue_export   a survey of any layout written as a catalogue
"""

from spotted.formats.layouts.camtrapr import read_camtrapr
from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.layouts.recognition import LAYOUTS, Recognised, recognise
from spotted.formats.layouts.wildlife_insights import read_wildlife_insights

__all__ = [
    "LAYOUTS",
    "Recognised",
    "read_camtrapr",
    "read_wildlife_insights",
    "recognise",
    "write_as_catalogue",
]
