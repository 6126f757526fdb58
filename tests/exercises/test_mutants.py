"""Mutants of the right answers: a fixed sample of each exercise. `make mutants` tries all of them."""

import mutants
import pytest

from exercises.catalogue import all_exercises


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_no_mutant_passes_without_a_reason(exercise):
    tried = mutants.mutants_of(exercise.id, sample=2)
    assert tried
    alive = [mutant for mutant in tried if mutants.survives(mutant) and not mutants.reason(mutant)]
    assert not alive, "\n".join(map(str, alive))


def test_every_change_is_made_in_one_place():
    found = mutants.changes("def double(x):\n    return 2 * x\n", "double")
    assert "return 2 * x  ->  return 3 * x" in found
    assert "return 2 * x  ->  return 2 / x" in found
    assert all(text.startswith("def double(x):") for text in found.values())
