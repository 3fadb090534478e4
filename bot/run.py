"""``make run``: the NLU server and the assistant together; ending one ends both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import IO
from urllib.parse import urlsplit

from rich.console import Console

from bot.demo import needs_demo, start_demo
from bot.settings import Settings
from bot.start import StartError, catalogue_of, check_port, check_single_sign_on, open_engine
from nlu.client import NluClient
from nlu.training import CACHE

SERVER_LOG = CACHE / "serve.log"
PATIENCE = 180.0  # seconds for the NLU server to come up
_GRACE = 10.0  # seconds a process gets to end by itself


def run_all(settings: Settings, serve_arguments: list[str]) -> int:
    """Start both processes, wait until one ends or Ctrl-C, and end the other; give the exit code."""
    nlu_port = urlsplit(settings.nlu_url).port
    if nlu_port is None:
        raise StartError("NLU_URL has no port: write it as http://127.0.0.1:5005")
    check_single_sign_on(settings)
    check_port(settings.host, settings.port)
    check_port("127.0.0.1", nlu_port, "NLU_URL")
    # a fault is told at once, not after the model has loaded
    catalogue_of(settings, open_engine(settings), lenient="--lenient" in serve_arguments).province(
        settings.province
    )
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a service manager's word, or the terminal closed
        signal.signal(ending, _stop)
    SERVER_LOG.parent.mkdir(parents=True, exist_ok=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        with SERVER_LOG.open("wb") as output:
            started.append(_start("nlu", "serve", "--port", str(nlu_port), output=output))
        demo = start_demo(settings) if needs_demo(settings) else None
        if demo:
            started.append(demo.process)
        _wait_until(NluClient(settings.nlu_url).is_ready, started[0])
        started.append(_start("bot", "serve", *serve_arguments, settings=demo.settings if demo else None))
        if demo:
            demo.tell()
        return _wait_for_any(started)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(started)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(
    *arguments: str, output: IO[bytes] | None = None, settings: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a module of ours in a session of its own, so that Ctrl-C reaches only this process."""
    return subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", *arguments],
        start_new_session=True,
        stdout=output,
        stderr=output,
        env={**os.environ, **(settings or {})},
    )


def _wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    console = Console(stderr=True)
    if not console.is_terminal:
        print("Khởi động máy hiểu câu hỏi …", file=sys.stderr, flush=True)
    with console.status("Khởi động máy hiểu câu hỏi …"):
        while not is_ready():
            if process.poll() is not None:
                raise StartError(f"the NLU server ended at its start; its output is in {SERVER_LOG}")
            if time.monotonic() > deadline:
                raise StartError(f"the NLU server is not ready after {PATIENCE:.0f} s")
            time.sleep(0.3)


def _wait_for_any(processes: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in processes:
            if (code := process.poll()) is not None:
                return code
        time.sleep(0.3)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # nothing may stop the stopping
        signal.signal(ending, signal.SIG_IGN)
    for process in reversed(processes):
        _signal_group(process, signal.SIGTERM)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], ending: signal.Signals) -> None:
    """Signal a process with all that it started, whether or not it has ended itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, ending)
