"""exercises/engine.py: the decorator, `check` and `strict`; what is bound to the name."""

import pickle
import types

import bank
import pytest
import torch
from iou_cells import BODY, HEAD, RIGHT_CELL, WRONG_CELL, run_cell

from exercises import ExerciseError, check, forget, mine, strict
from exercises.catalogue import find, reference
from exercises.definitions import PASSED
from exercises.session import SESSION
from exercises.storage import kept_ids, load_answer


def test_unwritten_binds_the_courses_function(capsys):
    scope = run_cell(HEAD + '    todo("count")')
    assert scope["iou"] is reference("7.3")
    assert capsys.readouterr().out == '7.3  not written yet · the course\'s iou stands in · hint("7.3")\n'


def test_right_answer_is_bound_as_it_is_and_pickles(capsys):
    scope = run_cell(RIGHT_CELL)
    count = len(find("7.3").checks)
    out = capsys.readouterr().out
    assert out == f'7.3  passed {count} checks · yours is in use from here on · compare("7.3")\n'
    assert scope["iou"] is SESSION.attempts["7.3"].answer
    assert type(scope["iou"]) is types.FunctionType
    kept = load_answer("7.3")
    assert pickle.loads(pickle.dumps(kept)) is kept  # its own module, no wrapper


def test_wrong_answer_names_the_property_and_the_facts(capsys):
    scope = run_cell(WRONG_CELL)
    out = capsys.readouterr().out
    assert out.startswith("7.3  not yet: ignored pixels are counted\n     prediction [[1, 1], [0, 1]]")
    assert "expected [0.5, 0.5]   yours [0.5, 0.3333]" in out
    assert out.endswith('     the course\'s iou stands in · hint("7.3")\n')
    assert scope["iou"] is reference("7.3")
    assert mine("7.3") is not reference("7.3")


def test_check_is_the_same_without_the_decorator(capsys):
    scope = run_cell(RIGHT_CELL.replace('@exercise("7.3")\n', "") + 'bound = check("7.3", iou)')
    assert scope["bound"] is scope["iou"]
    assert "passed" in capsys.readouterr().out
    assert kept_ids() == ["7.3"]
    forget("7.3")
    assert check("7.3", lambda *a: None) is reference("7.3")


def test_strict_raises(capsys):
    strict()
    with pytest.raises(ExerciseError, match=r"7\.3 is wrong: ignored pixels are counted"):
        run_cell(WRONG_CELL)
    with pytest.raises(ExerciseError, match=r"7\.3 is unwritten"):
        run_cell(HEAD + '    todo("count")')
    run_cell(RIGHT_CELL)
    strict(False)
    run_cell(WRONG_CELL)


def test_class_with_old_style_super_passes():
    old = """
@exercise("6.1")
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super(ConvBlock, self).__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1, bias=False),
                       nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)
"""
    scope = run_cell(old, bank.scope_of(6) | {"nn": torch.nn})
    assert SESSION.attempts["6.1"].verdict.status == PASSED
    assert scope["ConvBlock"](3, 4)(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)
    assert load_answer("6.1")(3, 4, depth=1, downsample=True) is not None


def test_function_of_another_name_is_an_error_that_names_both():
    with pytest.raises(ExerciseError, match=r"7\.3 asks for `iou`, and `iuo` stands below it"):
        run_cell(RIGHT_CELL.replace("def iou", "def iuo"))


def test_helper_may_stand_below_in_the_same_cell():
    cell = HEAD + "    return divided(prediction, target, num_classes, ignore_index)\n\nSMALL = 0\n\n"
    cell += "def divided(prediction, target, num_classes, ignore_index):\n" + BODY
    scope = run_cell(cell)
    assert SESSION.attempts["7.3"].verdict.status == PASSED
    assert scope["iou"] is not reference("7.3")
    assert load_answer("7.3") is not None


def test_a_line_below_that_fails_does_not_take_the_others_with_it():
    cell = HEAD + "    return divided(prediction, target, num_classes, ignore_index) / PARTS[0]\n\n"
    cell += "KIND = unknown.kind\nPARTS: tuple = (1, 1)\n"
    cell += "def divided(prediction, target, num_classes, ignore_index):\n" + BODY
    with pytest.raises(NameError, match="unknown"):
        run_cell(cell)
    assert SESSION.attempts["7.3"].verdict.status == PASSED


def test_lambda_is_an_answer():
    run_cell('image_bytes = exercise("1.1")(lambda height, width, channels=3, bytes_per_value=1: '
             "height * width * channels * bytes_per_value)")  # fmt: skip
    assert SESSION.attempts["1.1"].verdict.status == PASSED
