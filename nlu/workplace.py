"""Where one training works beside the models, apart from every other training, until its model is whole.

It is a hidden folder that its training holds locked, with every process that it starts. The lock ends with
them however they end, so that the next training can tell what was left behind, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PREFIX = ".training-"


@dataclass(frozen=True)
class Workplace:
    """A folder for one training, and the descriptor of its lock, to be passed on to what it starts."""

    folder: Path
    lock: int

    @property
    def temporary(self) -> Path:
        """Where programs may put what they need only while they run."""
        return self.folder / "temporary"

    def publish(self, made: Path, model: Path) -> None:
        """Give a whole model its name at once; a model that has the name already is replaced."""
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.replace(model)


@contextmanager
def workplace(models: Path) -> Iterator[Workplace]:
    """Remove what killed trainings left, and give a place that is gone after the block.

    When the block fails, the place stays until the next training: its log tells why.
    """
    models.mkdir(parents=True, exist_ok=True)
    with _locked(models):
        _remove_abandoned(models)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=models))
        lock = _open_locked(folder, fcntl.LOCK_EX)
    place = Workplace(folder, lock)
    try:
        place.temporary.mkdir()
        yield place
        shutil.rmtree(folder)
    finally:
        os.close(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _open_locked(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _open_locked(folder: Path, how: int) -> int:
    """Lock a folder until the descriptor given back is closed; raises BlockingIOError with LOCK_NB."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, how)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _remove_abandoned(models: Path) -> None:
    for folder in models.glob(f"{_PREFIX}*"):
        try:
            lock = _open_locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # a training that goes on
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
