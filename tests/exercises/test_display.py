"""exercises/display.py: verdicts, hints, solutions and explanations."""

import pytest
from iou_cells import BODY, HEAD, RIGHT_CELL, WRONG_CELL, latest_verdict, run_cell

from exercises import ExerciseError, compare, explain, hint, solution
from exercises.catalogue import find
from exercises.display import hint_of, property_of


def test_prints_of_an_answer_are_shown_after_the_verdict(capsys):
    run_cell(HEAD + "    print('shape', tuple(target.shape))\n" + BODY)
    out = capsys.readouterr().out
    assert out.startswith("7.3  passed")
    assert "     it printed: shape (" in out
    run_cell(HEAD + "    for i in range(10**5): print(i)\n" + BODY)
    assert len(capsys.readouterr().out) < 500


def test_hints_go_from_the_rule_that_was_broken_to_nearly_all(capsys):
    run_cell(WRONG_CELL)
    capsys.readouterr()
    exercise = find("7.3")
    failed = next(c for c in exercise.checks if c.__name__ == latest_verdict().failed_check)
    for text in (f"{property_of(failed)} {hint_of(failed)}", exercise.hints[-1]):
        hint("7.3")
        assert text in capsys.readouterr().out
    hint("7.3")
    assert 'That was the last one: solution("7.3")' in capsys.readouterr().out


def test_hints_start_again_when_another_property_fails(capsys):
    run_cell(WRONG_CELL)
    for _ in range(3):
        hint("7.3")
    run_cell(HEAD + "    return torch.zeros(num_classes)")
    capsys.readouterr()
    hint("7.3")
    failed = next(c for c in find("7.3").checks if c.__name__ == latest_verdict().failed_check)
    assert property_of(failed) in capsys.readouterr().out


def test_solution_is_offered_after_the_third_failure_and_always_there(capsys):
    solution("7.3")
    assert "# utils/metrics.py, line " in capsys.readouterr().out
    for _ in range(2):
        run_cell(WRONG_CELL)
    assert "solution" not in capsys.readouterr().out
    run_cell(WRONG_CELL)
    assert 'hint("7.3") · solution("7.3")' in capsys.readouterr().out


def test_compare_shows_both(capsys):
    with pytest.raises(ExerciseError, match="no answer of yours"):
        compare("7.3")
    run_cell(RIGHT_CELL)
    capsys.readouterr()
    compare("7.3")
    out = capsys.readouterr().out
    assert "# yours\ndef iou(" in out
    assert "# the course's (utils/metrics.py, line" in out
    assert "@exercise" not in out


def test_explain_lists_every_property(capsys):
    explain("7.3")
    assert capsys.readouterr().out.count("not tried") == len(find("7.3").checks)
    run_cell(WRONG_CELL)
    capsys.readouterr()
    explain("7.3")
    out = capsys.readouterr().out
    assert "holds" in out
    assert "fails" in out
    assert "ignored pixels are counted" in out
