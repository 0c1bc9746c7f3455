"""The layouts of files.

recognition        the layout of a path, with the reason
programs           files of programs recognised by titles or keys
nearest            the layouts that other files come nearest to
contents           files and titles that show a layout
wildlife_insights  exports of Wildlife Insights
traptagger         tables of TrapTagger
timed              tables of known layouts that lack the time
timelapse          tables of Timelapse
wildbook           spreadsheets of Wildbook's bulk import
coco               annotations of COCO and LILA
camtrapr           tables of records and stations of camtrapR
catalogue_export   a survey of any layout written as a catalogue
"""

from spotted.formats.layouts.camtrapr import read_camtrapr
from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.layouts.coco import read_coco
from spotted.formats.layouts.recognition import LAYOUTS, Recognised, recognise
from spotted.formats.layouts.traptagger import read_traptagger
from spotted.formats.layouts.wildbook import read_wildbook
from spotted.formats.layouts.wildlife_insights import read_wildlife_insights

__all__ = [
    "LAYOUTS",
    "Recognised",
    "read_camtrapr",
    "read_coco",
    "read_traptagger",
    "read_wildbook",
    "read_wildlife_insights",
    "recognise",
    "write_as_catalogue",
]
