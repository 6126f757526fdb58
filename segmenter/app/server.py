"""The server of the page: on this machine only, unless the user asks for more."""

import errno
import os
import socket
from typing import Any

from segmenter.app.layout import build_app
from utils.errors import ConfigError
from utils.inference import Predictor


def launch(
    predictor: Predictor,
    port: int | None = None,
    host: str = "127.0.0.1",
    share: bool = False,
    inbrowser: bool = False,
    block: bool = True,
) -> Any:
    """Serve the page until Ctrl+C, and return the app; without `block`, return at once (`.close()` ends it).

    port: None takes the first free one from 7860 on. host: 0.0.0.0 lets other machines of the network in.
    share: ask Gradio for a public address, through its servers. Raises ConfigError for a port that is taken or an
    address that is not of this machine, CourseError when gradio is not installed.
    """
    refuse_address(host, port)
    keep_local_requests_local()
    app = build_app(predictor, private=not share)
    app.launch(
        server_name=host, server_port=port, share=share, inbrowser=inbrowser, prevent_thread_lock=True, quiet=True
    )
    print(f"The page is at {app.local_url} (stop with Ctrl+C)", flush=True)
    if share and app.share_url:
        print(f"For everybody who has this address: {app.share_url}", flush=True)
    elif share:
        print(
            "No public address could be made: Gradio's servers did not answer. The page works on this machine only.",
            flush=True,
        )
    if block:
        app.block_thread()
    return app


def refuse_address(host: str, port: int | None) -> None:
    """Raise ConfigError where no server can listen at an address; None stands for any port."""
    try:
        socket.create_server((host, port or 0)).close()
    except OverflowError:
        raise ConfigError(f"Port {port} does not exist. Choose one from 1024 to 65535.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} is taken. Stop what uses it, or choose another with --port.") from None
        if error.errno == errno.EACCES:
            raise ConfigError(f"Port {port} is reserved for the system. Choose one from 1024 to 65535.") from None
        raise ConfigError(
            f"This machine cannot serve at {host} ({error}). Leave --host out, or name its own."
        ) from None


def keep_local_requests_local() -> None:
    """Exempt this machine from a proxy in the environment, through which Gradio would look for its own server."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "localhost", "127.0.0.1"]))
