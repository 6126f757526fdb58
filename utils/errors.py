"""One clear sentence for whatever the user can put right: what, where, and what to do."""


class CourseError(Exception):
    """Something in the data, the configuration or a file must be changed by the user.

    In a notebook only the sentence is shown, without a traceback; the command line prints it and exits with 2.
    """

    def __init__(self, message: str) -> None:
        # A DataLoader worker re-raises with its whole traceback as the message: keep the sentence.
        if message.startswith("Caught "):
            message = message.strip().splitlines()[-1].split(": ", 1)[-1]
        super().__init__(message)

    def _render_traceback_(self) -> list[str]:  # IPython's hook
        return [f"{type(self).__name__}: {self}"]


class ConfigError(CourseError):
    """A field of the configuration, or a name in it, is not valid."""


class DataError(CourseError):
    """An image, a mask, a list or an archive is missing or is not what it should be."""


class TrainingError(CourseError):
    """Training cannot go on: the loss is no number, or memory ran out. What the last whole epoch left is unharmed."""


class CheckpointError(CourseError):
    """A checkpoint or a run folder is missing, damaged or made for something else."""
