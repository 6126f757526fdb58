"""What this session (a notebook's kernel) remembers of the exercises."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from exercises.definitions import PASSED, UNWRITTEN, Verdict


@dataclass
class Attempt:
    """The latest answer to one exercise, how often an answer failed, and how many hints were given."""

    verdict: Verdict | None = None
    answer: Any = None
    source: str = ""
    failures: int = 0
    hints: int = 0

    def record(self, verdict: Verdict, answer: Any, source: str) -> None:
        """Remember a new answer and its verdict."""
        if self.verdict and self.verdict.failed_check != verdict.failed_check:
            self.hints = 0  # another property fails now, and its own hint comes first
        self.verdict, self.answer, self.source = verdict, answer, source
        if verdict.status == PASSED:
            self.failures = self.hints = 0
        elif verdict.status != UNWRITTEN:
            self.failures += 1


@dataclass
class Session:
    """The state of a session.

    Attributes:
        attempts: what was tried in this session, by exercise id.
        passed_answers: the answers that passed, in this session or in an earlier one, by exercise id.
        strict: whether an exercise that is not solved raises ExerciseError.
        counting: whether calls of the learner's functions are counted now.
    """

    attempts: dict[str, Attempt] = field(default_factory=dict)
    passed_answers: dict[str, Any] = field(default_factory=dict)
    strict: bool = False
    counting: bool = True

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """Count no calls in the block: what a check calls is no use of an answer."""
        before, self.counting = self.counting, False
        try:
            yield
        finally:
            self.counting = before

    def status(self, exercise_id: str) -> str:
        """Return how far the learner is with an exercise: PASSED, WRONG, STOPPED or UNWRITTEN."""
        if exercise_id in self.passed_answers:
            return PASSED
        attempt = self.attempts.get(exercise_id)
        return attempt.verdict.status if attempt and attempt.verdict else UNWRITTEN

    def clear(self) -> None:
        """Forget every attempt and every answer."""
        self.attempts.clear()
        self.passed_answers.clear()


SESSION = Session()
