"""The gate: look-ups take their turn when nobody else is being answered.

Look-ups wait for other systems anyway; hundreds of them at once would otherwise share the processor with the
questions of people who wait for nobody. One look-up works at a time, and each steps back for a short while.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 0.25  # seconds that a look-up steps back before it goes on all the same


class Gate:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._others = 0
        self._one = threading.Lock()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Answer somebody who waits for no other system."""
        with self._changed:
            self._others += 1
        try:
            yield
        finally:
            with self._changed:
                self._others -= 1
                self._changed.notify_all()

    @contextmanager
    def after_others(self) -> Iterator[None]:
        """Do a piece of a look-up, after the others and one at a time."""
        with self._one:
            with self._changed:
                self._changed.wait_for(lambda: not self._others, PATIENCE)
            yield
