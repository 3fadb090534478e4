"""Keeping what takes long to build on disk, keyed by what it was built from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

T = TypeVar("T")


def kept(
    cache: Path | None,
    name: str,
    stamp: str,
    build: Callable[[], T],
    save: Callable[[T, Path], None],
    load: Callable[[Path], T],
    *,
    or_older: bool = False,
) -> T:
    """Load what was kept under ``name`` for this ``stamp``, or build it and keep it in place of older.

    ``or_older``: what was kept for another stamp will do. What cannot be read is built anew; with no
    ``cache``, or where it cannot be written, nothing is kept.
    """
    if cache is None:
        return build()
    folder = cache / f"{name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    older = sorted(set(cache.glob(f"{name}-*")) - {folder})
    for one in (folder, *(older if or_older else ())):
        with suppress(OSError, ValueError, KeyError):
            return load(one)
    built = build()
    with suppress(OSError):
        _keep(cache, folder, older, lambda path: save(built, path))
    return built


def _keep(cache: Path, folder: Path, older: list[Path], save: Callable[[Path], None]) -> None:
    """Put a folder in place of older ones; another process sees it whole or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{cache.name}-", dir=cache.parent) as fresh:
        save(Path(fresh) / "kept")
        for one in (folder, *older):
            shutil.rmtree(one, ignore_errors=True)
        Path(fresh, "kept").rename(folder)
