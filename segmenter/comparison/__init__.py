"""Models, augmentations and seeds at equal budget (notebook 8).

`training` plans the grid of runs and trains what is not trained yet, `tables` lays finished runs side by side, and
`plot` draws their summary.
"""

from segmenter.comparison.plot import plot_summary
from segmenter.comparison.tables import compare_runs, summary
from segmenter.comparison.training import grid, run_grid

__all__ = ["compare_runs", "grid", "plot_summary", "run_grid", "summary"]
