"""Candidates of large surveys, and of many surveys, computed by many processes.

places        folders and object stores in which the files of a batch are
buckets       the files in an object store, and copies of them on this machine
files         arrays in files that say from what they were made
engines       where work is done: this machine, or a Ray cluster
surveys       many surveys at once, stage by stage
survey_files  the surveys of a directory, read once
embedding     their photographs embedded in blocks
snapshot      a survey as files that every process opens
features      its local features as such files
marks         its marks matched in blocks
evidence      matched marks and the calibration beside a snapshot
blocks        the candidates of consecutive query rows, each block a file
listing       all blocks as one CSV of candidates
settling      the evidence and the CSV of a survey, as work for an engine

Blocks are computed by the functions of the services on the vectors that these store, so their candidates
equal the scorer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.batch.blocks import Block, Job, compute_block, job_of, read_block, unfinished
    from spotted.batch.embedding import EmbeddedPicture, EmbedJob, assemble
    from spotted.batch.engines import Engine, ItemResult, LocalEngine, RayEngine, engine
    from spotted.batch.evidence import Evidence, EvidenceJob, read_evidence, write_evidence
    from spotted.batch.features import open_features, write_features
    from spotted.batch.listing import write_listing
    from spotted.batch.marks import MarkJob, match_block, matched_pairs, plan_marks
    from spotted.batch.places import Folder, Place, open_place
    from spotted.batch.settling import list_candidates, settle_evidence
    from spotted.batch.snapshot import Snapshot, open_snapshot, store_snapshot, take_snapshot, write_snapshot
    from spotted.batch.survey_files import FiledSurvey, ReadJob, read_survey, stored_survey
    from spotted.batch.surveys import Piece, SurveyBatch, work_on

__all__ = [
    "Block",
    "EmbedJob",
    "EmbeddedPicture",
    "Engine",
    "Evidence",
    "EvidenceJob",
    "FiledSurvey",
    "Folder",
    "ItemResult",
    "Job",
    "LocalEngine",
    "MarkJob",
    "Piece",
    "Place",
    "RayEngine",
    "ReadJob",
    "Snapshot",
    "SurveyBatch",
    "assemble",
    "compute_block",
    "engine",
    "job_of",
    "list_candidates",
    "match_block",
    "matched_pairs",
    "open_features",
    "open_place",
    "open_snapshot",
    "plan_marks",
    "read_block",
    "read_evidence",
    "read_survey",
    "settle_evidence",
    "store_snapshot",
    "stored_survey",
    "take_snapshot",
    "unfinished",
    "work_on",
    "write_evidence",
    "write_features",
    "write_listing",
    "write_snapshot",
]

# a process that works on one kind of block does without the rest
__getattr__ = lazy_face(
    __name__,
    {
        "blocks": (
            "Block",
            "Job",
            "compute_block",
            "job_of",
            "read_block",
            "unfinished",
        ),
        "embedding": (
            "EmbeddedPicture",
            "EmbedJob",
            "assemble",
        ),
        "engines": (
            "Engine",
            "ItemResult",
            "LocalEngine",
            "RayEngine",
            "engine",
        ),
        "evidence": (
            "Evidence",
            "EvidenceJob",
            "read_evidence",
            "write_evidence",
        ),
        "features": (
            "open_features",
            "write_features",
        ),
        "listing": ("write_listing",),
        "marks": (
            "MarkJob",
            "match_block",
            "matched_pairs",
            "plan_marks",
        ),
        "places": (
            "Folder",
            "Place",
            "open_place",
        ),
        "settling": (
            "list_candidates",
            "settle_evidence",
        ),
        "snapshot": (
            "Snapshot",
            "open_snapshot",
            "store_snapshot",
            "take_snapshot",
            "write_snapshot",
        ),
        "survey_files": (
            "FiledSurvey",
            "ReadJob",
            "read_survey",
            "stored_survey",
        ),
        "surveys": (
            "Piece",
            "SurveyBatch",
            "work_on",
        ),
    },
)
