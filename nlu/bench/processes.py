"""The measured processes: started in a session of their own, waited for, weighed, and ended for sure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 300.0  # seconds for a server to come up
TRAINING_PATIENCE = 900.0  # seconds for one training
_GRACE = 10.0  # seconds a process gets to end by itself
_IDLE_FOR = 2.0  # seconds
_RESOLUTION = 0.05  # seconds between two looks at a starting server


class ProcessFailed(Exception):
    """A measured process ended or did not come up; shows the end of its output."""


@dataclass(frozen=True)
class Command:
    """What to run: the words, where, with which environment, and where its output goes."""

    words: list[str]
    cwd: Path
    environment: dict[str, str]
    log: Path

    def failed(self, what: str) -> ProcessFailed:
        """Tell what happened together with the last lines of output."""
        last = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        return ProcessFailed(f"{self.words[:4]} {what}:\n{last}")


@dataclass(frozen=True)
class Server:
    """A running server: its address, the seconds it took to become ready, and its process."""

    url: str
    seconds_to_ready: float
    process: subprocess.Popen[bytes]

    def memory(self) -> float:
        """Give the resident memory of the process and its children, in MB."""
        return sum(map(_resident, _session(self.process.pid))) / 1024

    def wait_until_idle(self) -> None:
        """Wait until what it still learns after its start is learned; raises ProcessFailed."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            before = self._processor_seconds()
            time.sleep(_IDLE_FOR)
            if self._processor_seconds() - before < _IDLE_FOR / 10:
                return
        raise ProcessFailed(f"{self.url} is still at work after {PATIENCE:.0f} s")

    def _processor_seconds(self) -> float:
        return sum(map(_ticks, _session(self.process.pid))) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Give a port that is free on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Command, url: str, is_ready: Callable[[], bool]) -> Iterator[Server]:
    """Run a server until the block ends, however it ends; raises ProcessFailed."""
    started = time.monotonic()
    with _started(command) as process:
        while not is_ready():
            if process.poll() is not None:
                raise command.failed(f"ended at its start (exit {process.returncode})")
            if time.monotonic() - started > PATIENCE:
                raise command.failed(f"is not ready after {PATIENCE:.0f} s")
            time.sleep(_RESOLUTION)
        yield Server(url, time.monotonic() - started, process)


def run(command: Command) -> float:
    """Run a command to its end and give the seconds it took; raises ProcessFailed."""
    started = time.monotonic()
    with _started(command) as process:
        try:
            code = process.wait(TRAINING_PATIENCE)
        except subprocess.TimeoutExpired:
            raise command.failed(f"took longer than {TRAINING_PATIENCE:.0f} s") from None
    if code:
        raise command.failed(f"failed (exit {code})")
    return time.monotonic() - started


@contextmanager
def _started(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    with command.log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            command.words, cwd=command.cwd, env=command.environment,
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        _end(process)
        if process.stdin is not None:
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group, also when its leader is gone already."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _session(leader: int) -> Iterator[int]:
    """Yield the processes of a session: a process that was started and all its children."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                yield int(entry.name)


def _ticks(pid: int) -> int:
    """Give the processor time of one process; none when it has just ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _resident(pid: int) -> int:
    """Give the resident memory of one process in KB; none when it has just ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
