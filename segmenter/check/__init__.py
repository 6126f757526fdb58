"""Look at every file before a training run pays for a fault (notebook 4)."""

from segmenter.check.dataset import check_dataset
from segmenter.check.findings import Finding
from segmenter.check.report import Report

__all__ = ["Finding", "Report", "check_dataset"]
