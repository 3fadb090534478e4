"""Asking the Rasa server, over loopback HTTP, what a sentence means, and which model it is to use.

NluUnavailable
└── the server is down, slow or answers nonsense
ModelRefused
└── the server goes on with the model it has; says why
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from nlu.reading import FALLBACK, Entity, Reading

TIME_LIMIT = 3.0  # seconds for one sentence
CHANGE_LIMIT = 60.0  # seconds for loading another model in every process of the server


class NluUnavailable(Exception):
    """The NLU server did not understand in time; says which server and why."""


class ModelRefused(Exception):
    """The NLU server cannot serve a model; says which and why."""


class NluClient:
    """A pooled connection to the NLU server, which speaks as ``rasa run --enable-api`` does."""

    def __init__(self, url: str, time_limit: float = TIME_LIMIT) -> None:
        self._url = url.rstrip("/")
        self._time_limit = time_limit
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=64))

    def understand(self, text: str) -> Reading:
        """Parse one sentence; raises NluUnavailable."""
        said = text.lstrip("/ ") or text  # a leading slash would name an intent past the model
        try:
            reply = self._ask(said)
            reply.raise_for_status()
            return read_parse(said, reply.json())
        except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NluUnavailable(f"NLU server {self._url}: {error}") from error

    def _ask(self, text: str) -> requests.Response:
        """Ask, once more when a kept connection was closed at the moment of asking."""
        try:
            return self._post(text)
        except requests.ConnectionError:
            return self._post(text)

    def _post(self, text: str) -> requests.Response:
        return self._session.post(f"{self._url}/model/parse", json={"text": text}, timeout=self._time_limit)

    def is_ready(self) -> bool:
        """Tell whether the server has a model loaded."""
        try:
            return bool(self.model())
        except NluUnavailable:
            return False

    def model(self) -> str:
        """Give the file name of the model that answers; raises NluUnavailable."""
        try:
            reply = self._session.get(f"{self._url}/status", timeout=self._time_limit)
            reply.raise_for_status()
            return str(reply.json()["model_file"] or "")
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise NluUnavailable(f"NLU server {self._url}: {error}") from error

    def activate(self, model: Path) -> None:
        """Have the server answer with another model; it does when this returns, and answers meanwhile.

        The model is a file beside the one that the server was started with. Raises ModelRefused (the server
        goes on with the model it has) and NluUnavailable.
        """
        try:
            reply = self._session.put(
                f"{self._url}/model", json={"model_file": str(model.resolve())}, timeout=CHANGE_LIMIT
            )
            message = "" if reply.status_code == requests.codes.no_content else reply.json()["message"]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise NluUnavailable(f"NLU server {self._url}: {error}") from error
        if reply.status_code == requests.codes.bad_request:
            raise ModelRefused(message)
        if message:
            raise NluUnavailable(f"NLU server {self._url}: {message}")


def read_parse(text: str, parse: dict[str, Any]) -> Reading:
    """Turn a ``/model/parse`` reply into a Reading."""
    ranking = [(item["name"], float(item["confidence"])) for item in parse.get("intent_ranking", [])]
    intent = parse["intent"]
    return Reading(
        text=text,
        intent=intent["name"] or FALLBACK,
        confidence=float(intent["confidence"]),
        entities=tuple(
            Entity(item["entity"], str(item["value"]), text[item["start"] : item["end"]])
            for item in parse.get("entities", [])
        ),
        alternatives=tuple(item for item in ranking if item[0] not in (intent["name"], FALLBACK))[:5],
        also=parse.get("also_asked"),
    )
