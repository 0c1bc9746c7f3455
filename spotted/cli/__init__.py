"""The `spotted` command.

import_, embed, match            files to a survey, photographs to vectors, best candidates
detection                        boxes and masks of animals
surveys                          the surveys of the services
imports                          columns of tables, and the options of the last import
corrections                      stored surveys corrected from edited files, and content removed
report                           the page of a survey whose individuals nobody knew
cluster                          groups by probabilities, without any review
evaluate, calibrate, tune        how good the scores are, and how to improve them
heads, backbones                 adaptation heads and backbones
training                         backbones of one's own
annotate, session                questions, and sessions as files
asking                           how questions are shown and answered in the terminal
review                           the page on which the questions are answered in a browser
sessions                         options and commands that set up a session
marks                            matched marks of the coat
individuals                      names, merges, splits and moves
catalogue                        animals over several surveys
export                           individuals back into files
batch                            surveys too large for one machine, and directories of surveys
machine, operate                 this machine's services, and what operators run
remote, connection               services on other machines, and the client of the chosen services
lazy_group                       commands that are imported on first use
"""

from __future__ import annotations

from pathlib import Path

import click

from spotted import __version__
from spotted.cli.lazy_group import LazyCommand, LazyGroup
from spotted.cli.remote import Remote, connection_options, require_all
from spotted.console import EXIT_CODE_HELP

SECTIONS = {
    "Survey": {
        "import": LazyCommand(
            "spotted.cli.import_", "import_survey", "Create a survey from files: its cameras and detections."
        ),
        "detect": LazyCommand(
            "spotted.cli.detection.detect",
            "detect",
            "Find the animals in the photographs of an imported survey with a detector.",
        ),
        "embed": LazyCommand(
            "spotted.cli.embed", "embed", "Turn the photographs of an imported survey into stored vectors."
        ),
        "list": LazyCommand(
            "spotted.cli.surveys.listing",
            "list_surveys",
            "List the surveys with their cameras, detections, sessions and last change.",
        ),
        "delete": LazyCommand(
            "spotted.cli.corrections.delete", "delete", "Delete detections, cameras or a whole survey."
        ),
        "export": LazyCommand(
            "spotted.cli.export",
            "export",
            "Write the names of the individuals into a copy of the imported files, with the capture history.",
        ),
    },
    "Matching": {
        "match": LazyCommand("spotted.cli.match", "match", "List the best candidates of every detection."),
        "batch": LazyCommand("spotted.cli.batch", "batch", "Process large surveys in parallel blocks."),
        "evaluate": LazyCommand(
            "spotted.cli.evaluate", "evaluate", "Measure the rankings of a survey on its known identities."
        ),
        "cluster": LazyCommand(
            "spotted.cli.cluster",
            "cluster",
            "Group detections that may show one animal, without any review.",
        ),
        "match-marks": LazyCommand(
            "spotted.cli.marks.matching",
            "match_marks",
            "Match marks of the coat between each detection and its best candidates.",
        ),
        "explain": LazyCommand(
            "spotted.cli.marks.explain",
            "explain",
            "Show everything known about the pair of detections FIRST and SECOND.",
        ),
        "calibrate": LazyCommand(
            "spotted.cli.calibrate", "calibrate", "Learn match probabilities from answers."
        ),
        "tune-feasibility": LazyCommand(
            "spotted.cli.tune",
            "tune_feasibility",
            "Find the best decay (lambda) or speed limit for a survey.",
        ),
        "train-head": LazyCommand(
            "spotted.cli.heads",
            "train_head",
            "Train an adaptation head on the locations and times of a survey, or on known individuals.",
        ),
        "activate-head": LazyCommand(
            "spotted.cli.heads", "activate_head", "Score a survey through a stored head, or without a head."
        ),
    },
    "Annotation": {
        "annotate": LazyCommand(
            "spotted.cli.annotate",
            "annotate",
            'Answer "the same animal?" for one pair of photographs after another.',
        ),
        "review": LazyCommand(
            "spotted.cli.review",
            "review",
            "Answer in the browser, where both photographs are shown; also begins from a folder.",
        ),
        "individuals": LazyCommand(
            "spotted.cli.individuals",
            "individuals",
            "List, name, merge and split the individuals of a session; every change can be undone.",
        ),
        "catalogue": LazyCommand(
            "spotted.cli.catalogue",
            "catalogue",
            "List, add to, match with and correct the animals of all surveys.",
        ),
        "report": LazyCommand(
            "spotted.cli.report",
            "report",
            "Write a page about a survey: who was found, where and when, how certain it is, what next.",
        ),
        "session": LazyCommand(
            "spotted.cli.session",
            "session",
            "List, create, show, change, export or import annotation sessions.",
        ),
    },
    "Training": {
        "train": LazyCommand(
            "spotted.cli.training.train",
            "train",
            "Train a backbone on photographs of known individuals (MiewID).",
        ),
        "pretrain": LazyCommand(
            "spotted.cli.training.pretrain",
            "pretrain",
            "Train a backbone on the photographs of an imported survey, without names.",
        ),
    },
    "Operation": {
        "up": LazyCommand(
            "spotted.cli.machine",
            "up",
            "Start the store, the three services and the review page on this machine.",
        ),
        "down": LazyCommand(
            "spotted.cli.machine", "down", "Stop the store and the services that `spotted up` started."
        ),
        "status": LazyCommand(
            "spotted.cli.machine", "status", "Show running processes, problems with remedies, and surveys."
        ),
        "export-backbone": LazyCommand(
            "spotted.cli.backbones",
            "export_backbone",
            "Export a backbone to ONNX, verified against its PyTorch network.",
        ),
        "compare-backbones": LazyCommand(
            "spotted.cli.training.compare",
            "compare",
            "Compare two backbones on the photographs of an imported survey.",
        ),
        "export-segmenter": LazyCommand(
            "spotted.cli.detection.segmenter",
            "export_segmenter",
            "Assemble a segmenter from the encoder and decoder of Segment Anything, checked on a drawing.",
        ),
        "backup": LazyCommand(
            "spotted.cli.operate",
            "backup",
            "Back up surveys with their sessions, heads and calibrations to files, while services run.",
        ),
        "restore": LazyCommand(
            "spotted.cli.operate",
            "restore_files",
            "Restore surveys from files of `spotted backup`, each completely or not at all.",
        ),
        "upgrade": LazyCommand(
            "spotted.cli.operate", "upgrade", "Upgrade the store's content to this release."
        ),
        "token": LazyCommand(
            "spotted.cli.operate",
            "token",
            "Create, list and revoke bearer tokens; running services accept a new token at once.",
        ),
        "certificate": LazyCommand(
            "spotted.cli.operate", "certificate", "Make certificates for TLS between clients and services."
        ),
        "form-cluster": LazyCommand(
            "spotted.cli.operate",
            "form",
            "Make the nodes of a store's URL one cluster; those named first become the primaries.",
        ),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODE_HELP,
)
@click.version_option(__version__, prog_name="spotted")
@connection_options
@click.pass_context
def main(
    ctx: click.Context,
    *,
    embedder: str | None,
    scorer: str | None,
    sampler: str | None,
    token_file: Path | None,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
) -> None:
    """Find out which camera-trap photographs show the same animal.

    A survey goes through these steps. Each can be repeated, and continues from where it stopped:

    \b
      spotted up                       start the store, the services and the review page on this machine
      spotted import DIR               read cameras and detections from a Camtrap DP directory
      spotted detect SURVEY            find the animals with a detector (optional)
      spotted embed SURVEY             turn the photographs into vectors
      spotted match SURVEY             list the best candidates of every detection
      spotted review SURVEY            answer "the same animal?" in the browser
      spotted annotate SURVEY          the same in the terminal, until the individuals are known
      spotted report SURVEY            a page: who was found, where and when, and what to do next
      spotted evaluate SURVEY          measure top-k accuracy on known identities
      spotted export SURVEY -o OUT     write the observations back with individualID
      spotted list                     all surveys, their sessions and when they were last changed
      spotted down                     stop the store and the services

    The options below go before the command. They connect to services on other machines.
    """  # noqa: D301 - \b makes click keep the line breaks of the paragraph
    ctx.obj = Remote(require_all(embedder, scorer, sampler), token_file, ca, cert, key)
