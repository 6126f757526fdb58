"""What a cell may ask of the browser."""

from collections.abc import Callable, Sequence
from typing import Any


def clear(wait: bool = False, output_tags: Sequence[str] = ()) -> None:
    """Clear the output of a cell."""


def eval_js(script: str, ignore_result: bool = False, timeout_sec: float | None = None) -> Any:
    """Raise RuntimeError: there is no browser here."""
    raise RuntimeError("There is no browser that could run JavaScript.")


def enable_custom_widget_manager() -> None:
    """Let widgets of others be shown."""


def no_vertical_scroll() -> None:
    """Show an output in its full height."""


def register_callback(function_name: str, callback: Callable[..., Any]) -> None:
    """Let JavaScript call a function."""


def serve_kernel_port_as_iframe(
    port: int, path: str = "/", width: str = "100%", height: str = "400", cache_in_notebook: bool = False
) -> None:
    """Show a server of the kernel below the cell."""


def serve_kernel_port_as_window(port: int, path: str = "/", anchor_text: str | None = None) -> None:
    """Link to a server of the kernel."""
