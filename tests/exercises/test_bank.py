"""What proves the checks: every stub, every reference, other right answers, and the wrong ones that learners write."""

from collections import Counter

import bank
import pytest

from exercises.catalogue import all_exercises, find, notebook_exercises, reference
from exercises.definitions import PASSED, STOPPED, UNWRITTEN, WRONG, Verdict
from exercises.display import hint_of, property_of, reference_source
from exercises.judging import run_checks
from exercises.session import SESSION
from exercises.storage import kept_ids, load_answer

ALL = all_exercises()
STUBS_THAT_FAIL = {"1.1", "3.3", "5.6", "7.8", "9.8"}  # a toy that is meant to fail first, and bugs to be found


def ids(answers: list[bank.Answer]) -> list[str]:
    return [str(a) for a in answers]


RIGHT_ANSWERS = [a for a in bank.all_answers() if a.right]
WRONG_ANSWERS = [a for a in bank.all_answers() if not a.right]


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_stub_is_not_written_yet(exercise, capsys):
    scope = bank.scope_of(int(exercise.id[0]))
    bank.run_cell(bank.stub(exercise.id), scope, f"<stub of {exercise.id}>")
    verdict = SESSION.attempts[exercise.id].verdict
    assert verdict.status == (WRONG if exercise.id in STUBS_THAT_FAIL else UNWRITTEN)
    assert scope[exercise.name] is reference(exercise.id)
    assert "stands in" in capsys.readouterr().out


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_reference_passes(exercise):
    assert run_checks(exercise, reference(exercise.id)) == Verdict(exercise.id, PASSED)


@pytest.mark.parametrize("answer", RIGHT_ANSWERS, ids=ids(RIGHT_ANSWERS))
def test_right_answer_passes_and_is_carried_on(answer):
    verdict = bank.try_answer(answer)
    assert verdict.status == PASSED, f"{verdict.sentence} {verdict.details}"
    again = load_answer(answer.id)
    assert again is not reference(answer.id)
    assert run_checks(find(answer.id), again).status == PASSED


@pytest.mark.parametrize("answer", WRONG_ANSWERS, ids=ids(WRONG_ANSWERS))
def test_wrong_answer_fails_and_says_why(answer, capsys):
    verdict = bank.try_answer(answer)
    assert verdict.status in (WRONG, STOPPED)
    assert answer.words in verdict.sentence
    assert verdict.sentence in capsys.readouterr().out
    assert not kept_ids()


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_bank_is_large_enough_and_each_mistake_has_words_of_its_own(exercise):
    answers = [a for a in bank.all_answers() if a.id == exercise.id]
    assert sum(a.right for a in answers) >= 3
    wrong = Counter(a.words for a in answers if not a.right)
    assert wrong.total() >= 8
    assert len(wrong) >= 5, wrong


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_card_is_complete(exercise):
    assert len(exercise.hints) >= 3
    assert len(exercise.checks) >= 3
    assert 1 <= exercise.difficulty <= 5
    assert 1 <= exercise.minutes <= 30
    assert exercise.purpose.endswith(".")
    for check in exercise.checks:
        assert property_of(check).endswith("."), check.__name__
        assert hint_of(check), f"{check.__name__} has no hint"
    text, _ = reference_source(exercise.id)
    code = text.partition('"""')[2].partition('"""')[2] or text
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


# A learner's kept answers go by these: add to the list, never change what stands in it.
PUBLISHED = """
1.1:image_bytes 1.2:choose_device 1.3:pick_precision 1.4:median_seconds 1.5:largest_batch 1.6:seed_libraries
2.1:override 2.2:ids_to_rgb 2.3:count_pixels 2.4:rgb_to_ids 3.1:random_flip 3.2:random_crop 3.3:resize_pair
3.4:train_transform 4.1:read_image 4.2:read_mask 4.3:to_tensors 4.4:pair_faults 4.5:split_by_group
5.1:pad_collate 5.2:seed_worker 5.3:class_weights 5.4:build_loader 6.1:ConvBlock 6.2:DecoderStep
6.3:count_parameters 6.4:replace_head 6.5:freeze 6.6:pad_to_stride 7.1:dice_loss 7.2:confusion_matrix
7.3:iou 7.4:scores 7.5:average_precision 7.6:train_step 7.7:evaluate 8.1:poly_rate 8.2:should_stop
8.3:best_epoch 8.4:snapshot 8.5:resume 9.1:to_mask 9.2:blend 9.3:best_threshold 9.4:average_flips
9.5:tile_starts 9.6:merge_tiles 9.7:worst_images 4.6:__getitem__ 5.5:rare_class_sampler 5.6:get_dataset 6.7:forward
7.8:train_one_epoch 9.8:average_scales
"""


def test_ids_are_never_reused_or_renumbered():
    published = dict(entry.split(":") for entry in PUBLISHED.split())
    assert {e.id: e.name for e in ALL} == published
    assert len({e.reference for e in ALL}) == len(ALL) >= 32
    for number in range(1, 10):
        ids = [e.id for e in notebook_exercises(number)]
        assert len(ids) >= 3
        assert ids == [f"{number}.{n}" for n in range(1, len(ids) + 1)]
