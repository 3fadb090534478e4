"""``make run``: the NLU server and the assistant together; ending one ends both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType
from urllib.parse import urlsplit

from rich.console import Console

from bot.settings import Settings
from bot.start import StartError, check_port
from nlu.client import NluClient

PATIENCE = 180.0  # seconds for the NLU server to come up
_GRACE = 10.0  # seconds a process gets to end by itself


def run_all(settings: Settings, serve_arguments: list[str]) -> int:
    """Start both processes, wait until one ends or Ctrl-C, and end the other; give the exit code."""
    nlu_port = urlsplit(settings.nlu_url).port or 5005
    check_port(settings.host, settings.port)
    check_port("127.0.0.1", nlu_port)
    signal.signal(signal.SIGTERM, _stop)
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_start("nlu", "serve", "--port", str(nlu_port)))
        _wait_until(NluClient(settings.nlu_url).is_ready, started[0])
        started.append(_start("bot", "serve", *serve_arguments))
        return _wait_for_any(started)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(started)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of ours in a session of its own, so that Ctrl-C reaches only this process."""
    return subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", *arguments], start_new_session=True
    )


def _wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    console = Console(stderr=True)
    if not console.is_terminal:
        print("Khởi động máy hiểu câu hỏi …", file=sys.stderr, flush=True)
    with console.status("Khởi động máy hiểu câu hỏi …"):
        while not is_ready():
            if process.poll() is not None:
                raise StartError(f"the NLU server ended at its start (exit {process.returncode})")
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
    for process in reversed(processes):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
