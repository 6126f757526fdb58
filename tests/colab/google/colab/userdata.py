"""The secrets of a learner: there are none."""


class SecretNotFoundError(Exception):
    """A secret of that name does not exist."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Secret {key} does not exist.")


class NotebookAccessError(Exception):
    """The notebook was not given access to that secret."""


def get(key: str) -> str:
    """Raise SecretNotFoundError."""
    raise SecretNotFoundError(key)
