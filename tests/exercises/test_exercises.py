"""The engine: verdicts, survival of odd answers, answers kept from notebook to notebook."""

import os
import pickle
import random
import subprocess
import sys
import types
import zipfile

import bank
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from exercises import (
    ExerciseError,
    check,
    compare,
    download,
    engine,
    exercise,
    explain,
    forget,
    hint,
    keep_on_drive,
    mine,
    package,
    progress,
    solution,
    strict,
    todo,
    whose,
)  # fmt: skip
from exercises import (
    answers as work,
)
from exercises import (
    display as show,
)
from exercises.expect import Wrong, brief, difference, expect
from exercises.guard import TooSlow, time_limit
from utils.config import COURSE

HEAD = '@exercise("7.3")\ndef iou(prediction, target, num_classes, ignore_index=255):\n'
BODY = """    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])
"""
RIGHT, WRONG = HEAD + BODY, HEAD + BODY.replace("prediction[valid], target[valid]", "prediction, target")


def cell(text, scope=None, name="<cell>"):
    """Run a cell in the names of notebook 7 (or given ones) and return them."""
    scope = bank.scope_of(7) if scope is None else scope
    bank.run_cell(text, scope, name)
    return scope


def last():
    return engine.ATTEMPTS["7.3"].verdict


# ---------------------------------------------------------------- verdicts


def test_unwritten_binds_the_courses_function(capsys):
    scope = cell(HEAD + '    todo("count")')
    assert scope["iou"] is engine.reference("7.3")
    assert capsys.readouterr().out == '7.3  not written yet · the course\'s iou stands in · hint("7.3")\n'


def test_a_genuine_return_none_is_wrong_and_not_unwritten(capsys):
    cell(HEAD + "    return None")
    assert last().status == engine.WRONG
    assert "nothing is returned: is a `return` missing?" in capsys.readouterr().out


def test_right_answer_is_bound_as_it_is_and_pickles(capsys):
    scope = cell(RIGHT)
    count = len(engine.find("7.3").checks)
    out = capsys.readouterr().out
    assert out == f'7.3  passed {count} checks · yours is in use from here on · compare("7.3")\n'
    assert scope["iou"] is engine.ATTEMPTS["7.3"].answer
    assert type(scope["iou"]) is types.FunctionType
    kept = work.load(work.file_of("7.3"), "7.3")
    assert pickle.loads(pickle.dumps(kept)) is kept  # its own module, no wrapper


def test_wrong_answer_names_the_property_and_the_facts(capsys):
    scope = cell(WRONG)
    out = capsys.readouterr().out
    assert out.startswith("7.3  not yet: ignored pixels are counted\n     prediction [[1, 1], [0, 0]]")
    assert "expected [1.0, 1.0]   yours [1.0, 0.5]" in out
    assert out.endswith('     the course\'s iou stands in · hint("7.3")\n')
    assert scope["iou"] is engine.reference("7.3")
    assert mine("7.3") is not engine.reference("7.3")


def test_exception_names_the_learners_line(capsys):
    cell(HEAD + "    hits = torch.zeros(2)\n    hits[target.flatten() + 300] += 1\n    return hits")
    assert "7.3  stopped: IndexError on line 4, `hits[target.flatten() + 300] += 1`: index" in capsys.readouterr().out
    assert last().status == engine.STOPPED


def test_exception_in_a_library_names_the_learners_line_too(capsys):
    cell(HEAD + "    return torch.stack([])")
    assert "on line 3, `return torch.stack([])`" in capsys.readouterr().out


def test_wrong_signature_says_so(capsys):
    cell('@exercise("7.3")\ndef iou(prediction):\n    return prediction')
    assert "it cannot be called as the exercise says" in capsys.readouterr().out


def test_unknown_id_is_refused():
    with pytest.raises(ExerciseError, match=r"There is no exercise '7\.99'"):
        exercise("7.99")
    with pytest.raises(ExerciseError, match="There is no exercise 'iou'"):
        hint("iou")


def test_check_is_the_same_without_the_decorator(capsys):
    scope = cell(RIGHT.replace('@exercise("7.3")\n', "") + 'bound = check("7.3", iou)')
    assert scope["bound"] is scope["iou"]
    assert "passed" in capsys.readouterr().out
    assert work.kept() == ["7.3"]
    forget("7.3")
    assert check("7.3", lambda *a: None) is engine.reference("7.3")


def test_strict_raises(capsys):
    strict()
    with pytest.raises(ExerciseError, match=r"7\.3 is wrong: ignored pixels are counted"):
        cell(WRONG)
    with pytest.raises(ExerciseError, match=r"7\.3 is unwritten"):
        cell(HEAD + '    todo("count")')
    cell(RIGHT)
    strict(False)
    cell(WRONG)


# ---------------------------------------------------------------- odd answers


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
    monkeypatch.setattr("exercises.engine.time_limit", lambda: time_limit(0.3))
    cell(HEAD + f"    {loop}")
    assert "does a loop never end?" in capsys.readouterr().out
    assert last().status == engine.WRONG


def test_time_limit_works_in_a_thread_and_inside_another():
    import threading

    seen = []

    def loop():
        try:
            with time_limit(0.1):
                while True:
                    pass
        except TooSlow:
            seen.append("ended")

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join(10)
    assert seen == ["ended"]

    def nested():
        with time_limit(0.5):  # outlives the inner one
            with time_limit(5):
                pass
            while True:
                pass

    with pytest.raises(TooSlow):
        nested()


def test_session_stays_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    vandal = """    import os, random, tempfile
    import matplotlib.pyplot as plt
    import numpy as np
    random.seed(1); np.random.seed(1); torch.manual_seed(1); torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64); plt.figure(); os.chdir(tempfile.gettempdir()); os.environ["VANDAL"] = "1"
"""
    figures = plt.get_fignums()
    cell(HEAD + vandal + BODY)
    assert last().status == engine.PASSED
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert plt.get_fignums() == figures
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109
    assert "VANDAL" not in os.environ


def test_prints_of_an_answer_are_shown_after_the_verdict(capsys):
    cell(HEAD + "    print('shape', tuple(target.shape))\n" + BODY)
    out = capsys.readouterr().out
    assert out.startswith("7.3  passed")
    assert "     it printed: shape (" in out
    cell(HEAD + "    for i in range(10**5): print(i)\n" + BODY)
    assert len(capsys.readouterr().out) < 500


def test_change_of_an_argument_is_seen(capsys):
    cell(HEAD + "    target[target == 255] = 0\n" + BODY)
    assert "`target` is changed in place: work on a copy" in capsys.readouterr().out


def test_exit_in_an_answer_is_survived(capsys):
    cell(HEAD + "    exit()")
    assert "stopped: SystemExit" in capsys.readouterr().out


def test_answer_that_calls_the_name_it_replaces_does_not_lean_on_the_course(capsys):
    scope = cell("from utils.metrics import iou")
    cell(HEAD + "    return iou(prediction, target, num_classes)", scope)
    assert "stopped: RecursionError" in capsys.readouterr().out


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
    scope = cell(old, bank.scope_of(6) | {"nn": torch.nn})
    assert engine.ATTEMPTS["6.1"].verdict.status == engine.PASSED
    assert scope["ConvBlock"](3, 4)(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)
    assert work.load(work.file_of("6.1"), "6.1")(3, 4, depth=1, downsample=True) is not None


def test_syntax_error_in_another_cell_does_not_matter():
    scope = bank.scope_of(7)
    with pytest.raises(SyntaxError):
        cell("def broken(:", scope, "<broken>")
    cell(RIGHT, scope)
    assert work.kept() == ["7.3"]


def test_magic_in_the_cell_does_not_matter():
    """IPython has turned magics into calls by then; the text of the definition is found all the same."""
    cell("get_ipython = lambda: None\n" + RIGHT)
    assert work.kept() == ["7.3"]


# ---------------------------------------------------------------- hints and solutions


def test_hints_answer_the_property_that_failed_then_go_on(capsys):
    cell(WRONG)
    capsys.readouterr()
    the = engine.find("7.3")
    hint("7.3")
    first = capsys.readouterr().out
    failed = next(c for c in the.checks if c.__name__ == last().failed)
    assert show.hint_of(failed) in first
    for text in the.hints:
        hint("7.3")
        assert text in capsys.readouterr().out
    hint("7.3")
    assert 'That was the last one: solution("7.3")' in capsys.readouterr().out


def test_hints_start_again_when_another_property_fails(capsys):
    cell(WRONG)
    for _ in range(3):
        hint("7.3")
    cell(HEAD + "    return torch.zeros(num_classes)")
    capsys.readouterr()
    hint("7.3")
    failed = next(c for c in engine.find("7.3").checks if c.__name__ == last().failed)
    assert show.hint_of(failed) in capsys.readouterr().out


def test_error_inside_compiled_code_names_the_learners_line(capsys):
    cell(HEAD + "    import numpy as np\n    np.random.seed(-1)")
    assert "on line 4, `np.random.seed(-1)`" in capsys.readouterr().out


def test_solution_is_offered_after_the_third_failure_and_always_there(capsys):
    solution("7.3")
    assert "# utils/metrics.py, line " in capsys.readouterr().out
    for _ in range(2):
        cell(WRONG)
    assert "solution" not in capsys.readouterr().out
    cell(WRONG)
    assert 'hint("7.3") · solution("7.3")' in capsys.readouterr().out


def test_compare_shows_both(capsys):
    with pytest.raises(ExerciseError, match="no answer of yours"):
        compare("7.3")
    cell(RIGHT)
    capsys.readouterr()
    compare("7.3")
    out = capsys.readouterr().out
    assert "# yours\ndef iou(" in out
    assert "# the course's (utils/metrics.py, line" in out
    assert "@exercise" not in out


def test_explain_lists_every_property(capsys):
    explain("7.3")
    assert capsys.readouterr().out.count("not tried") == len(engine.find("7.3").checks)
    cell(WRONG)
    capsys.readouterr()
    explain("7.3")
    out = capsys.readouterr().out
    assert "holds" in out
    assert "fails" in out
    assert "ignored pixels are counted" in out


def test_progress_in_words_and_as_a_board(capsys):
    progress()
    total = len(engine.all_exercises())
    assert capsys.readouterr().out.startswith(f"0 of {total} exercises passed · next: 1.1")
    cell(RIGHT)
    cell('@exercise("7.1")\ndef dice_loss(logits, target, smooth=1.0):\n    return 1')
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.startswith(f"1 of {total} exercises passed · not right yet: 7.1")
    figure = show.board({e.id: show.status_of(e.id) for e in engine.all_exercises()})
    texts = {t.get_text() for t in figure.axes[0].texts}
    assert "7.3 ✓" in texts  # a word or a mark, never colour alone
    assert "7.1 ✗" in texts
    plt.close(figure)


# ---------------------------------------------------------------- my_work


def test_answer_is_used_by_the_course_from_then_on():
    import segmenter.evaluation
    import utils.metrics

    cell(RIGHT)
    assert isinstance(utils.metrics.iou, work.LearnerFunction)
    assert segmenter.evaluation.iou is utils.metrics.iou  # wherever the course uses it
    mask = torch.tensor([[0, 1]])
    assert utils.metrics.image_ious(mask[None], mask[None], 2).tolist() == [[1.0, 1.0]]
    assert whose("7.3", "7.4") == "yours: iou (1 call) · the course's: scores"
    forget("7.3")
    assert utils.metrics.iou is engine.reference("7.3")
    assert work.kept() == []
    assert work.file_of("7.3").with_suffix(".old").is_file()


def test_kept_answers_are_loaded_in_a_new_process():
    cell(RIGHT)
    code = "from exercises.answers import load_all, whose; import utils.metrics; load_all(); print(whose('7.3'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=COURSE, capture_output=True, text=True, check=True)
    assert done.stdout == "1 of your answers is in use · progress()\nyours: iou\n"


def test_a_fresh_copy_of_the_notebook_uses_the_answer_that_was_kept(capsys):
    """The next day: the cells are empty again, or a new attempt is wrong; what passed once goes on working."""
    cell(RIGHT)
    engine.ATTEMPTS.clear()
    engine.KEPT.clear()
    work.load_all()
    capsys.readouterr()
    for attempt, words in ((HEAD + '    todo("count")', "not written yet"), (WRONG, "not yet: ignored pixels")):
        scope = cell(attempt)
        out = capsys.readouterr().out
        assert f"7.3  {words}" in out
        assert "the answer that you kept stands in" in out
        assert scope["iou"] is engine.KEPT["7.3"]
    assert show.status_of("7.3") == engine.PASSED
    engine.ATTEMPTS.clear()
    compare("7.3")
    assert "# yours\nimport torch" in capsys.readouterr().out


def test_helpers_constants_and_imports_are_carried_along():
    scope = bank.scope_of(7)
    cell("from collections.abc import Sequence\nimport numpy as N\nIGNORED, HALF = 255, 0.5", scope, "<c1>")
    cell("def share(a, b):\n    return (a & b).sum() / (a | b).sum() * both(HALF)\n\n"
         "def both(x):\n    return 2 * x", scope, "<c2>")  # fmt: skip
    cell('@exercise("7.3")\ndef iou(prediction, target, num_classes, ignore_index=IGNORED):\n    N.array([1])\n'
         "    v = target != ignore_index\n    p, t = prediction[v], target[v]\n"
         "    return torch.stack([share(p == c, t == c) for c in range(num_classes)])", scope)  # fmt: skip
    text = work.file_of("7.3").read_text()
    for part in ("import numpy as N", "IGNORED = 255", "HALF = 0.5", "def share", "def both", "import torch as torch"):
        assert part in text
    assert "Sequence" not in text
    code = "from exercises.answers import load_all; load_all()"
    done = subprocess.run([sys.executable, "-c", code], cwd=COURSE, capture_output=True, text=True, check=True)
    assert "1 of your answers is in use" in done.stdout


def test_what_exists_in_the_notebook_only_is_named(capsys):
    scope = bank.scope_of(7)
    scope["table"] = scope["prediction"] = torch.ones(1)  # one of them is a parameter as well
    cell(HEAD + "    table.sum()\n" + BODY, scope)
    out = capsys.readouterr().out
    assert "passed" in out
    assert "not carried to the next notebook: it uses `table`" in out
    assert work.kept() == []


def test_after_an_update_of_the_course_an_answer_is_checked_again(monkeypatch, capsys):
    cell(RIGHT)
    path = work.file_of("7.3")
    ran = []
    judge = engine.run_checks
    monkeypatch.setattr(engine, "run_checks", lambda *a: ran.append(1) or judge(*a))
    work.load(path, "7.3")
    assert ran == []  # nothing changed
    monkeypatch.setattr(work, "checks_hash", lambda the: "another")
    work.load(path, "7.3")
    assert ran == [1]


def test_edited_file_is_checked_again_and_named_when_it_fails(capsys):
    import utils.metrics

    cell(RIGHT)
    path = work.file_of("7.3")
    broken = path.read_text().replace("prediction[valid], target[valid]", "prediction, target")
    path.write_text(broken)
    work.put(engine.find("7.3"), engine.reference("7.3"))
    engine.ATTEMPTS.clear()
    engine.KEPT.clear()
    capsys.readouterr()
    work.load_all()
    assert "is not used: it no longer passes: ignored pixels are counted" in capsys.readouterr().out
    assert utils.metrics.iou is engine.reference("7.3")
    assert path.read_text() == broken  # nothing the learner had is lost
    for text in ("def iou(:", "", "raise SystemExit"):
        path.write_text(text)
        work.load_all()
        assert "is not used" in capsys.readouterr().out


def test_yours_that_stops_on_real_data_gives_way_once_and_says_so(capsys):
    import utils.metrics

    cell(HEAD + "    if target.numel() > 1000:\n        raise RuntimeError('on another device')\n" + BODY)
    capsys.readouterr()
    big = torch.zeros(64, 64, dtype=torch.int64)
    for _ in range(2):
        assert utils.metrics.iou(big, big, 1).tolist() == [1.0]
    out = capsys.readouterr().out
    assert out.count("7.3  your iou stopped here: RuntimeError: on another device") == 1
    assert "the course's takes over" in out
    assert whose("7.3") == "the course's: iou"


def test_yours_travels_to_a_worker_process():
    cell(RIGHT)
    import utils.metrics

    again = pickle.loads(pickle.dumps(utils.metrics.iou))
    assert isinstance(again, work.LearnerFunction)
    assert again(torch.tensor([1]), torch.tensor([1]), 2).tolist()[1] == 1.0
    work.file_of("7.3").unlink()
    assert pickle.loads(pickle.dumps(utils.metrics.iou)) is engine.reference("7.3")


def test_classes_are_not_put_into_the_library():
    """A checkpoint must load on any machine: `UNet` keeps the course's blocks unless it is given yours."""
    import utils.unet

    answer = next(a for a in bank.read(6)[1] if a.id == "6.1" and a.right)
    bank.try_answer(answer)
    assert utils.unet.ConvBlock is engine.reference("6.1")


def test_disk_that_refuses_is_named(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work, "write", full)
    scope = cell(RIGHT)
    assert "it could not be kept in my_work: No space left on device" in capsys.readouterr().out
    assert scope["iou"] is engine.ATTEMPTS["7.3"].answer


def test_package_needs_enough_and_is_importable(tmp_path, capsys):
    with pytest.raises(ExerciseError, match="0 answers are kept so far"):
        package(tmp_path / "my_segmenter")
    wanted = [e.id for e in engine.all_exercises() if e.id[0] in "79"]
    for exercise_id in wanted:
        bank.try_answer(next(a for a in bank.all_answers() if a.id == exercise_id and a.right))
    folder = package(tmp_path / "my_segmenter")
    assert (folder / "metrics.py").is_file()
    names = ", ".join(engine.find(i).name for i in wanted)
    code = (
        f"from my_segmenter import {names}\nimport torch\nfrom my_segmenter import metrics\n"
        "print(iou(torch.tensor([[1, 0]]), torch.tensor([[1, 0]]), 2).tolist(), metrics.__file__)"
    )
    path = os.pathsep.join([str(tmp_path), str(COURSE)])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("[1.0, 1.0]")
    assert package(tmp_path / "my_segmenter") == folder  # again, in place of the first
    (tmp_path / "thesis").mkdir()
    with pytest.raises(ExerciseError, match="is no package of yours"):
        package(tmp_path / "thesis")


def test_download_packs_everything(own_work, capsys):
    assert download() is None
    cell(RIGHT)
    archive = download()
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["exercise_7_3.py"]
    given = []
    files = types.ModuleType("google.colab.files")
    files.download = given.append
    sys.modules["google.colab.files"] = files
    try:
        download()
    finally:
        del sys.modules["google.colab.files"]
    assert given == [str(archive)]


def test_drive_is_used_when_asked_and_nothing_there_is_replaced(tmp_path, own_work, monkeypatch, capsys):
    with pytest.raises(ExerciseError, match="There is no Drive here"):
        keep_on_drive()
    cell(RIGHT)
    drive = types.ModuleType("google.colab.drive")
    drive.mount = lambda place: None
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    there = tmp_path / "MyDrive" / "segmentation-course" / "my_work"
    there.mkdir(parents=True)
    older = (own_work / "exercise_7_3.py").read_text() + "\n# on Drive already\n"
    (there / "exercise_7_3.py").write_text(older)
    assert keep_on_drive(str(tmp_path)) == there
    assert work.folder() == there
    assert (there / "exercise_7_3.py").read_text() == older
    assert "1 of your answers is in use" in capsys.readouterr().out


# ---------------------------------------------------------------- what checks are written with


@pytest.mark.parametrize(
    ("result", "wanted", "said"),
    [
        (torch.ones(2), torch.ones(2, dtype=torch.float64), ""),
        (torch.ones(2), torch.ones(3), "the result has shape (2,), not (3,)"),
        ([1.0, 1.0], torch.ones(2), "the result is a list, not a tensor"),
        (np.ones(2), torch.ones(2), "the result is a NumPy array of shape (2,), not a tensor"),
        (torch.tensor(float("nan")), float("nan"), ""),
        (np.float32(2), 2, ""),
        (torch.ones(2), 1.0, "the result is a tensor of shape (2,), not a single number"),
        ("2", 2, "the result is a str, not a single number"),
        (None, 2, "nothing is returned: is a `return` missing?"),
        ({"a": 1}, {"a": 1, "b": 2}, "the keys are ['a'], not ['a', 'b']"),
        ((1, 2), [1, 2], ""),
        ((1, 2), [1, 3], "values differ"),
        ((1, 2, 3), (1, 2), "the result has 3 parts, not 2"),
        ([1, 2, 3], [1, 2], "values differ"),
        (3, "three", "the result is an int, not a text"),
        (True, True, ""),
    ],
)
def test_difference_says_kind_shape_or_value(result, wanted, said):
    assert difference(result, wanted, 1e-4) == said


def test_expect_names_famous_mistakes_first():
    with pytest.raises(Wrong, match="it adds"):
        expect(lambda a, b: a + b, 2, 3, gives=6, says="differs", mistakes=[(5, "it adds")])
    with pytest.raises(Wrong, match="differs"):
        expect(lambda a, b: a - b, 2, 3, gives=6, says="differs", mistakes=[(5, "it adds")])
    with pytest.raises(Wrong, match="far too large"):
        expect(lambda a, b: 99, 2, 3, gives=6, mistakes=[(lambda r: r > 50, "far too large")])


def test_values_are_written_briefly():
    assert brief(torch.tensor([[1, 255]])) == "[[1, 255]]"
    assert brief(torch.tensor([1.0, 1 / 3])) == "[1.0, 0.3333]"
    assert brief(np.zeros((64, 64, 3), np.uint8)) == "uint8 (64, 64, 3)"
    assert brief({"a": (1,)}) == "{'a': (1,)}"
    assert len(brief(list(range(1000)))) <= 160


def test_todo_is_no_error_of_the_course():
    with pytest.raises(engine.NotWritten):
        todo("write")
