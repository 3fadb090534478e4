"""Look-ups work one at a time, after the people who wait for nobody, and are never held up for good."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from knowledge.dossiers.gate import PATIENCE, Gate


def test_one_look_up_works_at_a_time() -> None:
    gate, at_once, most = Gate(), 0, 0
    start = threading.Barrier(8)

    def look_up() -> None:
        nonlocal at_once, most
        start.wait()
        for _ in range(20):
            with gate.after_others():
                at_once += 1
                most = max(most, at_once)
                at_once -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(look_up) for _ in range(8)]:
            done.result()
    assert most == 1


def test_a_look_up_lets_others_go_first() -> None:
    gate, order = Gate(), []
    waiting = threading.Event()

    def look_up() -> None:
        waiting.set()
        with gate.after_others():
            order.append("look-up")

    with gate.first():
        thread = threading.Thread(target=look_up)
        thread.start()
        assert waiting.wait(5)
        order.append("other")
    thread.join(5)
    assert order == ["other", "look-up"]


def test_a_look_up_is_not_held_up_for_good() -> None:
    gate = Gate()
    began = time.monotonic()
    with gate.first(), gate.after_others():
        waited = time.monotonic() - began
    assert waited >= PATIENCE
