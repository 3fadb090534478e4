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

    Another process sees a kept folder whole or not at all; with no ``cache`` it is only built. ``or_older``:
    what was kept for another stamp will do.
    """
    if cache is None:
        return build()
    folder = cache / f"{name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if folder.exists():
        return load(folder)
    older = sorted(cache.glob(f"{name}-*"))
    if or_older and older:
        return load(older[-1])
    built = build()
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{cache.name}-", dir=cache.parent) as fresh:
        save(built, Path(fresh) / "kept")
        for one in older:
            shutil.rmtree(one, ignore_errors=True)
        with suppress(OSError):  # another process was first
            Path(fresh, "kept").rename(folder)
    return built
