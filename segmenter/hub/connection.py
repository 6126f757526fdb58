"""The errors of the Hugging Face Hub and of the way to it, as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager

from utils.errors import CourseError


@contextmanager
def hub_errors(repo_id: str, action: str) -> Iterator[None]:
    """Turn whatever the Hub and the way to it raise into a CourseError that says what to do.

    `action` is what could not be done, such as "uploaded to".
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError:
        raise CourseError(
            f"'{repo_id}' is no name of a model on the Hub: it is OWNER/NAME, such as me/roofs."
        ) from None
    except errors.GatedRepoError:
        raise CourseError(f"{repo_id} is open to accepted readers only: ask for access on its page.") from None
    except errors.RevisionNotFoundError:
        raise CourseError(f"{repo_id} has no such revision: leave it out, or look it up on the model's page.") from None
    except errors.HfHubHTTPError as error:
        raise CourseError(status_sentence(repo_id, error.response.status_code)) from error
    except Exception as error:
        offline = (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError)
        if not isinstance(error, offline) and not type(error).__module__.startswith("httpx"):
            raise
        raise CourseError(
            f"{repo_id} could not be {action} the Hugging Face Hub ({type(error).__name__}): check the network, and "
            "that HF_HUB_OFFLINE is not set."
        ) from error


def status_sentence(repo_id: str, status: int) -> str:
    """Say what an HTTP status of the Hub means for the user."""
    return {
        401: f"The Hub does not know you, or there is no {repo_id}: check the name, run `hf auth login`, try again.",
        403: f"You have no right to do this to {repo_id}: use a name of your own, and a token that may write.",
        404: f"There is no model {repo_id} on the Hub, or it is private: check the name, or log in.",
    }.get(status, f"The Hub answered {status} for {repo_id}: nothing is lost, try again later.")
