"""Load: clients that each wait for their answer before they ask again, over one kept connection.

The clients are threads of the measuring process with the standard library's ``http.client``: of the
clients at hand it takes the least processor time, which ``client_cpu_ms`` states for each turn.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count, cycle, islice
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from nlu.bench.machine import seconds_of_others

TIME_LIMIT = 60.0  # seconds for one turn, far more than any should take
WARM_UP = 20  # turns before the clock starts
_NUMBERS = count(1)  # make every question new, so that no memory of earlier searches flatters


@dataclass
class _Tally:
    """What all clients saw."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


def measure(url: str, texts: Sequence[str], clients: int, turns: int) -> dict[str, Any]:
    """Ask the texts in turn with so many clients at once; give turns a second, p50, p99 and statuses."""
    _ask_all(url, texts, 1, WARM_UP)
    others, started, cpu = seconds_of_others(), time.perf_counter(), time.process_time()
    tally = _ask_all(url, texts, clients, turns)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    others = seconds_of_others() - others
    return {
        "clients": clients,
        "turns": turns,
        "seconds": round(seconds, 3),
        "turns_per_second": round(turns / seconds, 2),
        "p50_ms": round(percentile(tally.milliseconds, 50), 2),
        "p99_ms": round(percentile(tally.milliseconds, 99), 2),
        "client_cpu_ms": round(cpu / turns * 1000, 2),
        "cores_of_others": round(max(0.0, others / seconds), 2),
        "statuses": dict(sorted(tally.statuses.items())),
        "failed": sum(count for status, count in tally.statuses.items() if _failed(status)),
    }


def _failed(status: str) -> bool:
    return status == "unavailable" or status.startswith("error")


def _marks(number: int) -> str:
    """Write a number in end marks, which change nothing in what is asked."""
    return f"{number:b}".translate({ord("0"): ".", ord("1"): "?"})


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the nearest-rank percentile."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def _ask_all(url: str, texts: Sequence[str], clients: int, turns: int) -> _Tally:
    tally, lock, stop = _Tally(), threading.Lock(), threading.Event()
    waiting = (f"{text} {_marks(next(_NUMBERS))}" for text in islice(cycle(texts), turns))

    def next_texts() -> Iterator[str]:
        while not stop.is_set():
            with lock:
                text = next(waiting, None)
            if text is None:
                return
            yield text

    threads = [
        threading.Thread(target=_be_client, args=(url, next_texts(), tally), daemon=True)
        for _ in range(clients)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
    return tally


def _be_client(url: str, texts: Iterator[str], tally: _Tally) -> None:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=TIME_LIMIT)
    for text in texts:
        started = time.perf_counter()
        status = _ask(connection, address.path, text)
        tally.milliseconds.append((time.perf_counter() - started) * 1000)
        tally.statuses[status] += 1
    connection.close()


def _ask(connection: HTTPConnection, path: str, text: str) -> str:
    """Ask once; give the answer's status (``ok`` where the protocol has none) or what went wrong."""
    body = json.dumps({"text": text}).encode()
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        connection.close()  # it opens itself again
        return f"error {type(error).__name__}"
    return str(answer.get("status", "ok")) if response.status == 200 else f"error {response.status}"
