"""Survey files read into library values, and results written back to files.

Readers check every row and report wrong values with file, row, column and remedy. Nothing here needs a
service.

csv_survey             a survey as two CSV files
camtrapdp              Camtrap DP packages, read and written back
catalogue              catalogues in the format of wildlife-datasets
published_sets         LeopardID102, SpottedHyenaID109 and SpottedHyenaID415
published_sets_export  these sets written as a catalogue
imported_survey        the result of every reader: survey, pictures and notes
layouts                the layouts of files recognised; exports of platforms; any survey as a catalogue
columns                tables with any titles, by a map from fields to columns
sheets                 tables of text and workbooks as spreadsheets save them
photographs            folders of photographs, and boxes of MegaDetector
detectors              detectors described, and what they found
sources                the files that each survey was imported from
picture                a detection with its image file and box
captures               which individual was seen on which occasion at which station
exports                a survey written for other programs
csv_candidates         candidates as CSV rows
cameras                tables of cameras, which may move and fail
camera_table           surveys of photographs, with an optional table of cameras
csv_table              CSV tables read row by row
csv_cells              single cells of a CSV replaced, every other byte unchanged
row                    one row as typed cells
problems               wrong and doubtful values, one line a cause
doubts                 what files state and readers do not believe
archive                zip archives unpacked
image_kinds            image files that services read, and those that are converted first
image_files            the image files that tables name
species                the rows of one species
pixel_boxes            boxes in pixels as fractions of the image
timestamps             dates and times as UTC seconds
projection             latitude and longitude to metres
file_set               several files written together or not at all
"""

from spotted.formats.archive import unpack
from spotted.formats.camera_table import clock_zone, survey_of_photographs
from spotted.formats.cameras import CameraTable, read_cameras
from spotted.formats.camtrapdp import (
    Package,
    open_package,
    read_camtrapdp,
    side_of_tags,
    write_camtrapdp,
)
from spotted.formats.captures import (
    Capture,
    CaptureHistory,
    build_by_side,
    build_capture_history,
    write_capture_history,
)
from spotted.formats.catalogue import CATALOGUE_FILE, read_catalogue, write_catalogue
from spotted.formats.columns import ColumnMap, Reading, read_mapped, resolve_columns
from spotted.formats.csv_candidates import CandidateRow, candidate_row, write_candidates
from spotted.formats.csv_cells import fill_column, fill_individuals
from spotted.formats.csv_survey import read_csv_survey, write_csv_survey
from spotted.formats.csv_table import read_table
from spotted.formats.doubts import means_unknown
from spotted.formats.file_set import write_fileset
from spotted.formats.image_files import ImageFolder
from spotted.formats.image_kinds import read_sendable
from spotted.formats.imported_survey import SIDES, ImportedSurvey, assemble, survey_slug
from spotted.formats.layouts import (
    LAYOUTS,
    Recognised,
    read_camtrapr,
    read_coco,
    read_traptagger,
    read_wildbook,
    read_wildlife_insights,
    recognise,
    write_as_catalogue,
)
from spotted.formats.photographs import StationPattern, guess_pattern, read_photographs, with_boxes
from spotted.formats.picture import Picture
from spotted.formats.pixel_boxes import read_pixel_box
from spotted.formats.problems import Problems
from spotted.formats.projection import Projection, project
from spotted.formats.published_sets import PUBLISHED, PublishedSet, read_published
from spotted.formats.published_sets_export import write_published
from spotted.formats.row import Row, distinct_rows
from spotted.formats.species import select_species
from spotted.formats.timestamps import InstantError, day_seconds, time_zone, utc_seconds

__all__ = [
    "CATALOGUE_FILE",
    "LAYOUTS",
    "PUBLISHED",
    "SIDES",
    "CameraTable",
    "CandidateRow",
    "Capture",
    "CaptureHistory",
    "ColumnMap",
    "ImageFolder",
    "ImportedSurvey",
    "InstantError",
    "Package",
    "Picture",
    "Problems",
    "Projection",
    "PublishedSet",
    "Reading",
    "Recognised",
    "Row",
    "StationPattern",
    "assemble",
    "build_by_side",
    "build_capture_history",
    "candidate_row",
    "clock_zone",
    "day_seconds",
    "distinct_rows",
    "fill_column",
    "fill_individuals",
    "guess_pattern",
    "means_unknown",
    "open_package",
    "project",
    "read_cameras",
    "read_camtrapdp",
    "read_camtrapr",
    "read_catalogue",
    "read_coco",
    "read_csv_survey",
    "read_mapped",
    "read_photographs",
    "read_pixel_box",
    "read_published",
    "read_sendable",
    "read_table",
    "read_traptagger",
    "read_wildbook",
    "read_wildlife_insights",
    "recognise",
    "resolve_columns",
    "select_species",
    "side_of_tags",
    "survey_of_photographs",
    "survey_slug",
    "time_zone",
    "unpack",
    "utc_seconds",
    "with_boxes",
    "write_as_catalogue",
    "write_camtrapdp",
    "write_candidates",
    "write_capture_history",
    "write_catalogue",
    "write_csv_survey",
    "write_fileset",
    "write_published",
]
