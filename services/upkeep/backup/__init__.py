"""Backup and restore of whole surveys.

write         one survey at one instant, into a file
journals      the journals of a survey as of one instant, whole or up to their damage
catalogues    the catalogue of an organisation
file          the file format: framed, checksummed records
contents      what a file holds, reported once all of it has been verified
local_parts   the local features beside the journal of a survey
validation    its ids and events checked before a restore
directory     many surveys in one directory, old files removed
object_store  files in S3 and the like
restore       a file back into a store, completely or not at all
"""

from services.upkeep.backup.catalogues import catalogue_ids, check_catalogue
from services.upkeep.backup.contents import Contents, read_contents
from services.upkeep.backup.directory import BackupRun, back_up_all, survey_ids
from services.upkeep.backup.object_store import Bucket, local_copy
from services.upkeep.backup.restore import Restored, restore_survey
from services.upkeep.backup.write import BackedUp, Backups

__all__ = [
    "BackedUp",
    "BackupRun",
    "Backups",
    "Bucket",
    "Contents",
    "Restored",
    "back_up_all",
    "catalogue_ids",
    "check_catalogue",
    "local_copy",
    "read_contents",
    "restore_survey",
    "survey_ids",
]
