"""exercises/storage.py: the files in my_work."""

from iou_cells import RIGHT_CELL, run_cell

from exercises import storage
from exercises.answers import bind_in_course, use_kept_answers
from exercises.catalogue import find, reference
from exercises.session import SESSION
from exercises.storage import answer_path, load_answer


def test_after_an_update_of_the_course_an_answer_is_checked_again(monkeypatch, capsys):
    run_cell(RIGHT_CELL)
    judged = []
    run_checks = storage.run_checks
    monkeypatch.setattr(storage, "run_checks", lambda *a: judged.append(a[0].id) or run_checks(*a))
    load_answer("7.3")
    assert judged == []  # nothing changed
    monkeypatch.setattr(storage, "checks_hash", lambda exercise: "another")
    load_answer("7.3")
    assert judged == ["7.3"]


def test_edited_file_is_checked_again_and_named_when_it_fails(capsys):
    import utils.metrics

    run_cell(RIGHT_CELL)
    path = answer_path("7.3")
    broken = path.read_text().replace("prediction[valid], target[valid]", "prediction, target")
    path.write_text(broken)
    bind_in_course(find("7.3"), reference("7.3"))
    SESSION.clear()
    capsys.readouterr()
    use_kept_answers()
    assert "is not used: it no longer passes: ignored pixels are counted" in capsys.readouterr().out
    assert utils.metrics.iou is reference("7.3")
    assert path.read_text() == broken  # nothing the learner had is lost
    for text in ("def iou(:", "", "raise SystemExit"):
        path.write_text(text)
        use_kept_answers()
        assert "is not used" in capsys.readouterr().out


def test_disk_that_refuses_is_named(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("exercises.answers.write_atomically", full)
    scope = run_cell(RIGHT_CELL)
    assert "it could not be kept in my_work: No space left on device" in capsys.readouterr().out
    assert scope["iou"] is SESSION.attempts["7.3"].answer
