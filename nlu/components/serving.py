"""The model that one process answers with, and the one that is loaded beside it to take its place."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator

from nlu.components.loading import Parse, load_parser

_give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give memory back themselves
_SHORT_TURN = 0.0005  # seconds that loading may hold up a sentence each time that both want the interpreter


@dataclass(frozen=True)
class _Loaded:
    """A model file's name and how it reads a text."""

    name: str
    parse: Parse


class Serving:
    """Answers with one model; another is loaded meanwhile and replaces it between two sentences."""

    def __init__(self, model: Path) -> None:
        self._now = _Loaded(model.name, load_parser(model))
        self._next: _Loaded | None = None
        _settle()

    @property
    def name(self) -> str:
        """The file name of the model that answers."""
        return self._now.name

    def parse(self, text: str) -> Dict[str, Any]:
        """Read one text as ``/model/parse`` answers it."""
        return self._now.parse(text)

    def load(self, model: Path) -> None:
        """Load the next model while this one answers, in a thread of its own; raises ModelFault."""
        with _short_turns():
            self._next = _Loaded(model.name, load_parser(model))

    def take_next(self) -> None:
        """Answer with the loaded model from the next sentence on, and free the other."""
        if self._next is not None:
            self._now, self._next = self._next, None
        _settle()

    def forget_next(self) -> None:
        """Free what was loaded and will not be served."""
        self._next = None
        _settle()


def _settle() -> None:
    """Free what no longer serves and take the rest out of the garbage collector's sight.

    The model stays for long: to look through it for garbage would hold up sentences. What is out of sight is
    not freed where it refers to itself, so that it has to come back first when a model goes. Without the last
    step the process would grow with each change, by what lies between the pieces that were freed.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if _give_back:
        _give_back(0)


@contextmanager
def _short_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SHORT_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
