"""Reading many sentences with a model that is served for that."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import requests

from nlu import training
from nlu.bench.processes import Command, free_port, running
from nlu.bench.scores import Parse
from nlu.client import NluClient
from nlu.contract import ROOT

_TIME_LIMIT = 30.0  # seconds for one sentence
_OFTEN = 250  # sentences after which it is told how far it is


def read(model: Path, texts: Sequence[str], say: Callable[[float], None]) -> list[Parse]:
    """Serve a model on a free port and read texts with it; ``say`` is told the share that is done.

    The server ends with this process, however that ends. Raises ProcessFailed.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**training.environment(), "NLU_WORKERS": "1"}
    with tempfile.TemporaryDirectory(prefix="gate-") as folder, requests.Session() as session:
        session.trust_env = False
        words = training.attended(training.server_command(model.resolve(), port))
        command = Command(words, ROOT, environment, Path(folder, "server.log"))
        with running(command, url, NluClient(url).is_ready):
            try:
                return list(_parses(session, url, texts, say))
            except requests.RequestException as error:
                raise command.failed(f"did not read a sentence ({error})") from error


def _parses(
    session: requests.Session, url: str, texts: Sequence[str], say: Callable[[float], None]
) -> Iterator[Parse]:
    for number, text in enumerate(texts):
        if number % _OFTEN == 0:
            say(number / len(texts))
        reply = session.post(f"{url}/model/parse", json={"text": text}, timeout=_TIME_LIMIT)
        reply.raise_for_status()
        yield dict(reply.json())
