"""Another model takes the place of the one that serves, while sentences come in all the time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from nlu.bench.processes import Server
from nlu.client import ModelRefused, NluClient, NluUnavailable
from tests.conftest import free_port, wait_until
from tests.nlu.conftest import ADDED_TEXT, Small, rasa, serving

WORKERS = 2
CONNECTIONS = 24  # new ones, which fall to either process


@pytest.fixture(scope="module")
def server(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(small.plain.model, WORKERS, tmp_path_factory.mktemp("swap") / "server.log") as served:
        yield served


@pytest.fixture
def client(server: Server, small: Small) -> NluClient:
    """A client of the server, which answers with the plain model again."""
    client = NluClient(server.url)
    client.activate(small.plain.model)
    return client


def _parse(url: str, text: str) -> dict[str, Any]:
    reply = requests.post(f"{url}/model/parse", json={"text": text}, timeout=10)
    reply.raise_for_status()
    return dict(reply.json())


def _intents(url: str) -> set[str]:
    """Ask for the added sentence over new connections."""
    return {_parse(url, ADDED_TEXT)["intent"]["name"] for _ in range(CONNECTIONS)}


def _names(url: str) -> set[str]:
    """Ask for the model over new connections."""
    return {requests.get(f"{url}/status", timeout=10).json()["model_file"] for _ in range(CONNECTIONS)}


@dataclass
class Seen:
    """What was answered to the added sentence, and what went wrong."""

    intents: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)


@contextmanager
def _asking(url: str) -> Iterator[Seen]:
    """Ask for the added sentence all the time: two clients over kept connections, one over new ones."""
    seen, stop = Seen(), threading.Event()

    def ask(post: Callable[..., requests.Response]) -> None:
        while not stop.is_set():
            try:
                reply = post(f"{url}/model/parse", json={"text": ADDED_TEXT}, timeout=10)
                reply.raise_for_status()
                seen.intents.append(reply.json()["intent"]["name"])
            except (requests.RequestException, ValueError) as error:
                seen.failures.append(error)

    with requests.Session() as one, requests.Session() as other:
        threads = [
            threading.Thread(target=ask, args=(post,)) for post in (one.post, other.post, requests.post)
        ]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_no_sentence_is_lost_while_the_model_changes(server: Server, client: NluClient, small: Small) -> None:
    with _asking(server.url) as seen:
        wait_until(lambda: len(seen.intents) > 20, "the first answers")
        for model in (small.added.model, small.plain.model, small.added.model):
            before = len(seen.intents)
            client.activate(model)
            assert len(seen.intents) > before  # it went on answering meanwhile
    assert seen.failures == []
    assert "ask_where" in seen.intents
    assert set(seen.intents) - {"ask_where"}


def test_every_process_answers_with_the_new_model_at_once(
    server: Server, client: NluClient, small: Small
) -> None:
    for model in (small.added.model, small.plain.model):
        client.activate(model)
        assert _names(server.url) == {model.name} == {client.model()}
        assert (_intents(server.url) == {"ask_where"}) == (model == small.added.model)


def _broken(folder: Path, kind: str, model: Path) -> Path:
    path = folder / f"{kind}.tar.gz"
    if kind == "cut-off":
        path.write_bytes(model.read_bytes()[:-2000])
    elif kind == "text":
        path.write_text("no model", encoding="utf-8")
    elif kind == "folder":
        path.mkdir(exist_ok=True)
    return path


@pytest.mark.parametrize("kind", ["cut-off", "text", "folder", "missing"])
def test_a_broken_model_is_refused_and_the_old_one_goes_on(
    server: Server, client: NluClient, small: Small, kind: str
) -> None:
    path = _broken(small.models, kind, small.added.model)
    with pytest.raises(ModelRefused, match=path.name):
        client.activate(path)
    assert _names(server.url) == {small.plain.model.name}
    assert "ask_where" not in _intents(server.url)


def test_a_model_from_another_folder_is_refused(client: NluClient, small: Small, tmp_path: Path) -> None:
    outside = Path(shutil.copy(small.added.model, tmp_path))
    (small.models / "link.tar.gz").symlink_to(outside)
    for path in (str(outside), "link.tar.gz", "../models/../../etc/passwd"):
        reply = requests.put(f"{client._url}/model", json={"model_file": path}, timeout=10)
        assert reply.status_code == 400
        assert "only models in" in reply.json()["message"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"model_file": 5}', b'{"model_file": ""}'])
def test_a_request_without_a_model_is_refused(server: Server, body: bytes) -> None:
    assert requests.put(f"{server.url}/model", data=body, timeout=10).status_code == 400


def test_two_changes_at_once_leave_all_processes_with_one_model(
    server: Server, client: NluClient, small: Small
) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(NluClient(server.url).activate, (small.added.model, small.poor.model)))
    assert len(_names(server.url)) == 1


def test_what_is_named_at_the_start_is_served_whatever_was_served_before(
    client: NluClient, small: Small, tmp_path: Path
) -> None:
    client.activate(small.added.model)
    with serving(small.plain.model, 1, tmp_path / "log") as again:
        assert NluClient(again.url).model() == small.plain.model.name


def test_a_process_that_has_died_does_not_keep_the_others_from_changing(small: Small, tmp_path: Path) -> None:
    with serving(small.plain.model, WORKERS, tmp_path / "log") as server:
        NluClient(server.url).activate(small.added.model)  # by now both run
        first, second = _children(server.process.pid)
        os.kill(second, signal.SIGKILL)
        wait_until(lambda: _has_ended(second), "the process's end")
        NluClient(server.url).activate(small.plain.model)
        assert _names(server.url) == {small.plain.model.name}
        assert not _has_ended(first)


def _children(pid: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in told.stdout.split()]


def _has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or only waits for its parent to notice."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_server_that_is_down_tells_neither_model_nor_takes_one(small: Small) -> None:
    client = NluClient(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NluUnavailable):
        client.model()
    with pytest.raises(NluUnavailable):
        client.activate(small.plain.model)


FREED = """
import gc, sys
from pathlib import Path
from nlu.components.serving import Serving
from nlu.components.typos import Speller
serving = Serving(Path(sys.argv[1]))
for model in sys.argv[2:]:
    serving.load(Path(model))
    serving.take_next()
serving.load(Path(sys.argv[1]))
serving.forget_next()
gc.disable()
gc.unfreeze()
assert serving.name == Path(sys.argv[-1]).name
assert sum(isinstance(thing, Speller) for thing in gc.get_objects()) == 1  # it refers to itself
"""


def test_a_model_that_no_longer_serves_is_freed(small: Small) -> None:
    done = rasa(FREED, *(str(trained.model) for trained in (small.plain, small.added, small.poor)))
    assert done.returncode == 0, done.stderr.decode()[-1500:]
