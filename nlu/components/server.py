"""Serving a trained model over HTTP like ``rasa run --enable-api``: ``POST /model/parse``, ``GET /status``.

Rasa's own server also loads what training and dialogues need (TensorFlow, policies, trackers): 17 seconds and
600 MB. This one loads the pipeline's components from the model's archive and nothing else; ``rasa run`` can
serve the same model.
"""

from __future__ import annotations

import argparse
import gc
import json as plain_json
import os
import tarfile
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List

from rasa.engine.graph import GraphComponent
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.utils.common import class_from_module_path
from sanic import Sanic
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse, json

from nlu.text import compose

LONGEST = 10_000  # characters of one text
REMEMBERED = 4_096  # texts whose reading is kept
NOT_LOADED = ("NLUMessageConverter", "RegexMessageHandler")  # Rasa's ends of the pipeline, for dialogues

Parse = Callable[[str], Dict[str, Any]]


def load_parser(model: Path) -> Parse:
    """Load a model; give the function that reads one text as ``/model/parse`` answers it."""
    pipeline = _load_pipeline(model)

    @lru_cache(REMEMBERED)
    def parse(text: str) -> Dict[str, Any]:
        message = Message(data={TEXT: text})
        for component in pipeline:
            (message,) = component.process([message])
        nothing: Dict[str, Any] = {"intent": {"name": None, "confidence": 0.0}, "entities": []}
        return {**nothing, "text": text, **message.as_dict(only_output_properties=True)}

    return parse


def _load_pipeline(model: Path) -> List[Any]:
    """Load the components of a model's archive, in the pipeline's order."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(model) as archive:
        archive.extractall(folder)  # noqa: S202  (our own model)
        metadata = plain_json.loads(Path(folder, "metadata.json").read_text(encoding="utf-8"))
        storage = LocalModelStorage(Path(folder, "components"))
        return [
            _load(node, storage)
            for node in metadata["predict_schema"]["nodes"].values()
            if not node["uses"].endswith(NOT_LOADED)
        ]


def _load(node: Dict[str, Any], storage: LocalModelStorage) -> GraphComponent:
    component = class_from_module_path(node["uses"])
    config = {**component.get_default_config(), **node["config"]}
    resource = Resource((node["resource"] or {"name": ""})["name"])
    if node["constructor_name"] == "load":
        return component.load(config, storage, resource, None)
    return component.create(config, storage, resource, None)


def build_server(parse: Parse, model: Path) -> Sanic:
    """Put a parser behind HTTP."""
    app = Sanic("nlu", configure_logging=False)

    async def parse_text(request: Request) -> HTTPResponse:
        body = request.json
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str) or len(text) > LONGEST:
            raise InvalidUsage(f'the body is to be {{"text": "at most {LONGEST} characters"}}')
        return json(parse(compose(_storable(text))), ensure_ascii=False)

    async def status(_: Request) -> HTTPResponse:
        return json({"model_file": model.name, "num_active_training_jobs": 0})

    app.add_route(parse_text, "/model/parse", methods=["POST"])
    app.add_route(status, "/status", methods=["GET"])
    return app


def _storable(text: str) -> str:
    """Replace halves of surrogate pairs, which no UTF-8 text can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def main() -> None:
    """Serve a model on loopback with as many workers as NLU_WORKERS says; they share one copy of it."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--port", type=int, required=True)
    given = arguments.parse_args()
    app = build_server(load_parser(given.model), given.model)
    gc.collect()
    gc.freeze()  # the model stays: to look through it for garbage would hold up sentences
    app.run(
        "127.0.0.1", given.port, workers=int(os.environ.get("NLU_WORKERS", "1")), access_log=False, motd=False
    )


if __name__ == "__main__":
    main()
