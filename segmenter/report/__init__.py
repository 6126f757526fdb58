"""The test report: every number as JSON, and one HTML page with charts and the gallery of failures (notebook 9)."""

from segmenter.report.evaluation import Evaluation, evaluate_run
from segmenter.report.numbers import save_json
from segmenter.report.page import save_html

__all__ = ["Evaluation", "evaluate_run", "save_html", "save_json"]
