"""Files in and out: survey formats read into library values and results written back.

Readers check every row and report wrong values with file, row, column and remedy. Nothing here needs a
service.

row                    typed cells of one row, and the problems found in them
csv_table              CSV tables
csv_cells              single cells changed, every other byte kept
csv_survey             a survey as two CSV files
camera_table           the cameras of photographs that name theirs
csv_candidates         candidates as CSV rows
camtrapdp              Camtrap DP packages
camtrapdp_package      their descriptor
camtrapdp_export       Camtrap DP packages written back with individuals
catalogue              catalogues of wildlife-datasets
published_sets         LeopardID102, SpottedHyenaID109 and SpottedHyenaID415
published_sets_export  these sets written as a catalogue
capture_history        which individual was seen where on which occasion
imported_survey        what any reader returns: survey, pictures and notes
picture                a detection with its image file and box
pixel_boxes            boxes in pixels as fractions of the image
timestamps             dates and times as UTC seconds
projection             latitude and longitude to metres
file_set               several files written together or not at all
"""

from spotted.formats.camera_table import clock_zone, survey_of_photographs
from spotted.formats.camtrapdp import read_camtrapdp, side_of_tags
from spotted.formats.camtrapdp_export import write_camtrapdp
from spotted.formats.camtrapdp_package import Package, check_local, open_package, resources
from spotted.formats.capture_history import CaptureHistory, build_capture_history, write_capture_history
from spotted.formats.catalogue import FILE, CatalogueIds, read_catalogue, write_catalogue
from spotted.formats.csv_candidates import COLUMNS, CandidateRow, candidate_row, write_candidates
from spotted.formats.csv_cells import delimiter_of, fill_column, fill_individuals
from spotted.formats.csv_survey import DetectionIds, read_cameras, read_csv_survey, write_csv_survey
from spotted.formats.csv_table import read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import SIDES, ImportedSurvey, assemble, counted, survey_slug
from spotted.formats.picture import Picture
from spotted.formats.pixel_boxes import pixel_box
from spotted.formats.projection import project
from spotted.formats.published_sets import PUBLISHED, read_published
from spotted.formats.published_sets_export import write_published
from spotted.formats.row import (
    Problems,
    Row,
    absolute,
    check_camera_period,
    check_captured,
    distinct,
    image_path,
)
from spotted.formats.timestamps import InstantError, day_seconds, time_zone, utc_seconds

__all__ = [
    "COLUMNS",
    "FILE",
    "PUBLISHED",
    "SIDES",
    "CandidateRow",
    "CaptureHistory",
    "CatalogueIds",
    "DetectionIds",
    "ImportedSurvey",
    "InstantError",
    "Package",
    "Picture",
    "Problems",
    "Row",
    "absolute",
    "assemble",
    "build_capture_history",
    "candidate_row",
    "check_camera_period",
    "check_captured",
    "check_local",
    "clock_zone",
    "counted",
    "day_seconds",
    "delimiter_of",
    "distinct",
    "fill_column",
    "fill_individuals",
    "image_path",
    "open_package",
    "pixel_box",
    "project",
    "read_cameras",
    "read_camtrapdp",
    "read_catalogue",
    "read_csv_survey",
    "read_published",
    "read_table",
    "resources",
    "side_of_tags",
    "survey_of_photographs",
    "survey_slug",
    "time_zone",
    "utc_seconds",
    "write_camtrapdp",
    "write_candidates",
    "write_capture_history",
    "write_catalogue",
    "write_csv_survey",
    "write_fileset",
    "write_published",
]
