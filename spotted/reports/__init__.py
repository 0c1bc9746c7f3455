"""Reports and figures: self-contained HTML pages and plots.

page                the report of a measured survey
plots               figures as SVG or PNG
evaluation          the report of an evaluation
evaluation_figures  its figures
"""

from spotted.reports.evaluation import Evaluation, shown, write_evaluation
from spotted.reports.evaluation_figures import figures, often, read_image, strips
from spotted.reports.page import Figure, Measured, write_page, write_report

__all__ = [
    "Evaluation",
    "Figure",
    "Measured",
    "figures",
    "often",
    "read_image",
    "shown",
    "strips",
    "write_evaluation",
    "write_page",
    "write_report",
]
