"""Reports of results: self-contained HTML pages with figures, and the same numbers as JSON.

page                the report of a simulated or composite survey
evaluation          the report of an evaluation
evaluation_figures  the figures of an evaluation
survey              the report of a survey without known identities
matched_marks       two photographs with their matched marks
heat_maps           two photographs with the parts that make them alike for the backbone
plots               single figures as PNG or JPEG
"""

from spotted.reports.evaluation import Evaluation, format_interval, write_evaluation
from spotted.reports.evaluation_figures import (
    draw_feasibility,
    draw_figures,
    draw_strips,
    most_seen,
    read_image,
)
from spotted.reports.page import Figure, SurveyFigures, write_page, write_report

__all__ = [
    "Evaluation",
    "Figure",
    "SurveyFigures",
    "draw_feasibility",
    "draw_figures",
    "draw_strips",
    "format_interval",
    "most_seen",
    "read_image",
    "write_evaluation",
    "write_page",
    "write_report",
]
