"""exercises/board.py: how far a learner is, in words and as a drawing."""

import matplotlib.pyplot as plt
from iou_cells import RIGHT_CELL, run_cell

from exercises import progress
from exercises.board import draw_board
from exercises.catalogue import all_exercises
from exercises.session import SESSION


def test_progress_in_words_and_as_a_board(capsys):
    progress()
    total = len(all_exercises())
    assert capsys.readouterr().out.startswith(f"0 of {total} exercises passed · next: 1.1")
    run_cell(RIGHT_CELL)
    run_cell('@exercise("7.1")\ndef dice_loss(logits, target, smooth=1.0):\n    return 1')
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.startswith(f"1 of {total} exercises passed · not right yet: 7.1")
    figure = draw_board({e.id: SESSION.status(e.id) for e in all_exercises()})
    texts = {t.get_text() for t in figure.axes[0].texts}
    assert "7.3 ✓" in texts  # a word or a mark, never colour alone
    assert "7.1 ✗" in texts
    plt.close(figure)
