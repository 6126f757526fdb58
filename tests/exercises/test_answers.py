"""exercises/answers.py: the learner's functions in the place of the course's."""

import pickle
import subprocess
import sys

import bank
import numpy as np
import torch
from iou_cells import BODY, HEAD, RIGHT_CELL, WRONG_CELL, run_cell

from exercises import compare, forget, whose
from exercises.answers import LearnerFunction, use_kept_answers
from exercises.catalogue import reference
from exercises.definitions import PASSED
from exercises.session import SESSION
from exercises.storage import answer_path, kept_ids
from utils.config import COURSE


def test_answer_is_used_by_the_course_from_then_on():
    import segmenter.evaluation
    import utils.metrics

    run_cell(RIGHT_CELL)
    assert isinstance(utils.metrics.iou, LearnerFunction)
    assert segmenter.evaluation.iou is utils.metrics.iou  # wherever the course uses it
    mask = torch.tensor([[0, 1]])
    assert utils.metrics.image_ious(mask[None], mask[None], 2).tolist() == [[1.0, 1.0]]
    assert whose("7.3", "7.4") == "yours: iou (1 call) · the course's: scores"
    forget("7.3")
    assert utils.metrics.iou is reference("7.3")
    assert kept_ids() == []
    assert answer_path("7.3").with_suffix(".old").is_file()


def test_kept_answers_are_loaded_in_a_new_process():
    run_cell(RIGHT_CELL)
    code = "import utils.metrics; from exercises.answers import *; use_kept_answers(); print(whose('7.3'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=COURSE, capture_output=True, text=True, check=True)
    assert done.stdout == "1 of your answers is in use · progress()\nyours: iou\n"


def test_a_fresh_copy_of_the_notebook_uses_the_answer_that_was_kept(capsys):
    """The next day: the cells are empty again, or a new attempt is wrong; what passed once goes on working."""
    run_cell(RIGHT_CELL)
    SESSION.clear()
    use_kept_answers()
    capsys.readouterr()
    for attempt, words in ((HEAD + '    todo("count")', "not written yet"), (WRONG_CELL, "not yet: ignored pixels")):
        scope = run_cell(attempt)
        out = capsys.readouterr().out
        assert f"7.3  {words}" in out
        assert "the answer that you kept stands in" in out
        assert scope["iou"] is SESSION.passed_answers["7.3"]
    assert SESSION.status("7.3") == PASSED
    SESSION.attempts.clear()
    compare("7.3")
    assert "# yours\nimport torch" in capsys.readouterr().out


def test_yours_that_stops_on_real_data_gives_way_once_and_says_so(capsys):
    import utils.metrics

    run_cell(HEAD + "    if target.numel() > 200_000:\n        raise RuntimeError('on another device')\n" + BODY)
    capsys.readouterr()
    big = torch.zeros(512, 512, dtype=torch.int64)  # no check is that large
    for _ in range(2):
        assert utils.metrics.iou(big, big, 1).tolist() == [1.0]
    out = capsys.readouterr().out
    assert out.count("7.3  your iou stopped here: RuntimeError: on another device") == 1
    assert "the course's takes over" in out
    assert whose("7.3") == "the course's: iou"


def test_yours_travels_to_a_worker_process():
    run_cell(RIGHT_CELL)
    import utils.metrics

    again = pickle.loads(pickle.dumps(utils.metrics.iou))
    assert isinstance(again, LearnerFunction)
    assert again(torch.tensor([1]), torch.tensor([1]), 2).tolist()[1] == 1.0
    answer_path("7.3").unlink()
    assert pickle.loads(pickle.dumps(utils.metrics.iou)) is reference("7.3")


def test_a_method_that_passed_is_yours_though_the_course_keeps_its_own():
    from utils.dataset import SegmentationDataset

    assert whose("4.6") == "the course's: __getitem__"
    bank.try_answer(next(a for a in bank.read(4)[1] if a.id == "4.6" and not a.right))
    assert whose("4.6") == "the course's: __getitem__"
    bank.try_answer(next(a for a in bank.read(4)[1] if a.id == "4.6" and a.right))
    assert SegmentationDataset.__getitem__ is reference("4.6")
    assert whose("4.6") == "yours: __getitem__"
    assert whose().startswith("yours: __getitem__ · the course's: the other ")
    forget("4.6")
    assert whose("4.6") == "the course's: __getitem__"


def test_calls_that_a_check_makes_are_not_counted():
    """4.6 is checked once more in a module of its own, in which its `to_tensors` is the one that the course uses."""
    import utils.dataset

    for exercise_id in ("4.3", "4.6"):
        bank.try_answer(next(a for a in bank.read(4)[1] if a.id == exercise_id and a.right))
    assert whose("4.3", "4.6") == "yours: to_tensors, __getitem__"
    utils.dataset.to_tensors(np.zeros((2, 3, 3), dtype=np.uint8), np.zeros((2, 3), dtype=np.uint8))
    assert whose("4.3") == "yours: to_tensors (1 call)"


def test_classes_are_not_put_into_the_library():
    """A checkpoint must load on any machine: `UNet` keeps the course's blocks unless it is given yours."""
    import utils.unet

    answer = next(a for a in bank.read(6)[1] if a.id == "6.1" and a.right)
    bank.try_answer(answer)
    assert utils.unet.ConvBlock is reference("6.1")
