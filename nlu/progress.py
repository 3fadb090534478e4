"""Telling how far a training or a measurement is: to people, or to a program that started it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console

Say = Callable[[float, str], None]  # how far (0..1), and what is being done

# What Rasa prints, the share of the training that is then done, and what is done next.
_STEPS = (
    ("Starting to train component 'TypoCorrector'", 0.23, "học từ ngữ"),
    ("Starting to train component 'LinearIntentClassifier'", 0.25, "học ý muốn của câu hỏi"),
    ("Starting to train component 'SpanEntityExtractor'", 0.5, "học tên thủ tục, nơi và ngày"),
    ("Finished training component 'SpanEntityExtractor'", 0.96, "ghi mô hình"),
)


def follow(line: str, say: Say) -> None:
    """Tell what a line of Rasa's output means for the training's progress, if anything."""
    for printed, share, doing in _STEPS:
        if printed in line:
            say(share, doing)


def print_json(progress: float, doing: str) -> None:
    """Print progress as one line of JSON, for the program that reads it."""
    print_line({"progress": round(progress, 3), "doing": doing})


def print_line(content: dict[str, Any]) -> None:
    """Print one line of JSON at once."""
    print(json.dumps(content, ensure_ascii=False), flush=True)


@contextmanager
def shown(what: str, say: Say | None) -> Iterator[Say]:
    """Give what is to be told of progress: ``say`` itself, or a line on the standard error."""
    console = Console(stderr=True)
    status = console.status(f"{what} …") if say is None else nullcontext()
    with status as moving:

        def show(progress: float, doing: str) -> None:
            if console.is_terminal and moving is not None:
                moving.update(f"{what}: {progress:.0%}, {doing} …")
            else:
                print(f"{what}: {progress:.0%}, {doing}", file=sys.stderr, flush=True)

        tell = say or show
        tell(0.0, "đọc dữ liệu")
        yield tell
        tell(1.0, "xong")
