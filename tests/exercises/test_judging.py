"""exercises/judging.py: a verdict on whatever an answer does."""

import pytest
from iou_cells import BODY, HEAD, latest_verdict, run_cell

from exercises.catalogue import reference
from exercises.definitions import PASSED, STOPPED, WRONG
from exercises.time_limit import time_limit


def test_a_genuine_return_none_is_wrong_and_not_unwritten(capsys):
    run_cell(HEAD + "    return None")
    assert latest_verdict().status == WRONG
    assert "nothing is returned: is a `return` missing?" in capsys.readouterr().out


def test_exception_names_the_learners_line(capsys):
    run_cell(HEAD + "    hits = torch.zeros(2)\n    hits[target.flatten() + 300] += 1\n    return hits")
    assert "7.3  stopped: IndexError on line 4, `hits[target.flatten() + 300] += 1`: index" in capsys.readouterr().out
    assert latest_verdict().status == STOPPED


def test_exception_in_a_library_names_the_learners_line_too(capsys):
    run_cell(HEAD + "    return torch.stack([])")
    assert "on line 3, `return torch.stack([])`" in capsys.readouterr().out


def test_error_inside_compiled_code_names_the_learners_line(capsys):
    run_cell(HEAD + "    import numpy as np\n    np.random.seed(-1)")
    assert "on line 4, `np.random.seed(-1)`" in capsys.readouterr().out


def test_wrong_signature_says_so(capsys):
    run_cell('@exercise("7.3")\ndef iou(prediction):\n    return prediction')
    assert "it cannot be called as the exercise says" in capsys.readouterr().out


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n        pass",
        "while True:\n        try:\n            pass\n        except:\n            pass",
        "while True:\n        try:\n            torch.ones(3).sum()\n        except BaseException:\n            pass",
        "import time\n    time.sleep(60)",
    ],
)
def test_endless_loop_is_ended(loop, monkeypatch, capsys):
    monkeypatch.setattr("exercises.judging.check_limit", lambda _: time_limit(0.3))
    run_cell(HEAD + f"    {loop}")
    assert "does a loop never end?" in capsys.readouterr().out
    assert latest_verdict().status == WRONG


def test_change_of_an_argument_is_seen(capsys):
    run_cell(HEAD + "    target[target == 255] = 0\n" + BODY)
    assert "`target` is changed in place: work on a copy" in capsys.readouterr().out


def test_exit_in_an_answer_is_survived(capsys):
    run_cell(HEAD + "    exit()")
    assert "stopped: SystemExit" in capsys.readouterr().out


def test_answer_that_calls_the_name_it_replaces_does_not_lean_on_the_course(capsys):
    scope = run_cell("from utils.metrics import iou")
    run_cell(HEAD + "    return iou(prediction, target, num_classes)", scope)
    assert "stopped: RecursionError" in capsys.readouterr().out


def test_parameter_that_later_cells_name_keeps_its_name(capsys):
    run_cell(HEAD.replace("num_classes", "classes") + BODY.replace("num_classes", "classes"))
    assert "no parameter is called `num_classes`, and later cells call it by name" in capsys.readouterr().out


def test_other_parameters_go_by_their_place():
    swapped = {"prediction": "guess", "target": "truth"}
    cell = HEAD + BODY
    for name, other in swapped.items():
        cell = cell.replace(name, other)
    run_cell(cell)
    assert latest_verdict().status == PASSED


@pytest.mark.parametrize(
    ("first", "other", "said"),
    [
        ("prediction, target", "target, prediction", "`prediction` must be parameter number 1"),
        ("ignore_index=255", "ignore_index", "`ignore_index` has lost its default value"),
        ("ignore_index=255", "ignore_index=0", "without `ignore_index` another value counts than the exercise says"),
    ],
)
def test_first_line_of_a_function_is_looked_at(first, other, said, capsys):
    run_cell(HEAD.replace(first, other) + BODY)
    assert said in capsys.readouterr().out


def test_courses_own_function_is_no_answer(capsys):
    run_cell(
        HEAD + "    from utils import metrics\n    return metrics.iou(prediction, target, num_classes, ignore_index)"
    )
    assert "that is the course's own `iou`, well found" in capsys.readouterr().out
    alias = run_cell("from utils.metrics import iou as theirs")
    run_cell(HEAD + "    return theirs(prediction, target, num_classes, ignore_index)", alias)
    assert "that is the course's own `iou`" in capsys.readouterr().out
    assert alias["theirs"] is reference("7.3")


def test_axes_are_named_where_a_shape_is_wrong(capsys):
    run_cell(
        '@exercise("7.2")\ndef confusion_matrix(prediction, target, num_classes, ignore_index=255):\n    return target'
    )
    assert "not (2, 2), the axes are (truth, prediction)" in capsys.readouterr().out
