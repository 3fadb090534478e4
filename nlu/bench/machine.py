"""The machine that is measured on, and how much of it others use meanwhile: that disturbs a figure."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")  # per second


def describe_machine() -> dict[str, Any]:
    """Give processor, cores, Python and the load before the run."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def seconds_of_others() -> float:
    """Give the processor seconds ever used by what the bench did not start; PostgreSQL is among it."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / _TICKS - _own_seconds()


def _own_seconds() -> float:
    """Give the processor seconds of this process and of all that descend from it."""
    processes = dict(_processes())
    own = {os.getpid()}
    while children := {pid for pid, (parent, _) in processes.items() if parent in own} - own:
        own |= children
    return sum(processes[pid][1] for pid in own if pid in processes) / _TICKS


def _processes() -> list[tuple[int, tuple[int, int]]]:
    """List each process with its parent and its processor time in ticks."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            found.append((int(entry.name), (int(fields[1]), int(fields[11]) + int(fields[12]))))
    return found
