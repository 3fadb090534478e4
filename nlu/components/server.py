"""Serving a trained model over HTTP like ``rasa run --enable-api`` does.

``POST /model/parse`` reads a text, ``GET /status`` tells the model, ``PUT /model`` serves another one.

Rasa's own server also loads what training and dialogues need (TensorFlow, policies, trackers): 17 seconds and
600 MB. This one loads the pipeline's components from the model's archive and nothing else; ``rasa run`` can
serve the same model.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from sanic import Sanic
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse, empty, json

from nlu.components.loading import ModelFault
from nlu.components.serving import Serving
from nlu.components.workers import WorkerFault, Workers
from nlu.text import compose

LONGEST = 10_000  # characters of one text


def build_server(serving: Serving, workers: Workers, models: Path) -> Sanic:
    """Put a model behind HTTP; others may take its place from the folder ``models`` only."""
    app = Sanic("nlu", configure_logging=False)

    async def parse_text(request: Request) -> HTTPResponse:
        text = _field(request, "text")
        if not isinstance(text, str) or len(text) > LONGEST:
            raise InvalidUsage(f'the body is to be {{"text": "at most {LONGEST} characters"}}')
        return json(serving.parse(compose(_storable(text))), ensure_ascii=False)

    async def status(_: Request) -> HTTPResponse:
        return json({"model_file": serving.name, "num_active_training_jobs": 0})

    async def change(request: Request) -> HTTPResponse:
        try:
            model = _model_in(models, _field(request, "model_file"))
            # goes on to its end in every process, also when whoever asked for it has hung up
            await asyncio.shield(asyncio.ensure_future(workers.change(model)))
        except ModelFault as fault:
            return _failure(400, "BadRequest", fault)
        except WorkerFault as fault:
            return _failure(503, "ServiceUnavailable", fault)
        return empty()

    async def join(*_: Any) -> None:
        await workers.join()

    app.register_listener(join, "before_server_start")
    app.add_route(parse_text, "/model/parse", methods=["POST"])
    app.add_route(status, "/status", methods=["GET"])
    app.add_route(change, "/model", methods=["PUT"])
    return app


def _field(request: Request, name: str) -> Any:
    body = request.json
    return body.get(name) if isinstance(body, dict) else None


def _model_in(models: Path, given: Any) -> Path:
    """Find a model file by its path or its name; raises ModelFault for one outside of the folder.

    Loading a model runs what is in it, so that not every file of the machine may be one.
    """
    if not isinstance(given, str) or not given or "\0" in given:
        raise ModelFault('the body is to be {"model_file": "the path of a trained model"}')
    path = (models / given).resolve()
    if path.parent != models.resolve():
        raise ModelFault(f"{given}: only models in {models.resolve()} are served")
    if not path.is_file():
        raise ModelFault(f"{given}: there is no such file")
    return path


def _failure(status: int, reason: str, error: Exception) -> HTTPResponse:
    """Answer as Rasa's server tells a failure."""
    return json(
        {"status": "failure", "reason": reason, "message": str(error), "code": status},
        status,
        ensure_ascii=False,
    )


def _storable(text: str) -> str:
    """Replace halves of surrogate pairs, which no UTF-8 text can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def main() -> None:
    """Serve a model on loopback with as many workers as NLU_WORKERS says; they begin with one copy of it."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--port", type=int, required=True)
    given = arguments.parse_args()
    try:
        serving = Serving(given.model)
    except ModelFault as fault:
        sys.exit(str(fault))
    size = int(os.environ.get("NLU_WORKERS", "1"))
    with tempfile.TemporaryDirectory(prefix="nlu-") as folder:
        app = build_server(serving, Workers(serving, Path(folder), size), given.model.parent)
        app.run("127.0.0.1", given.port, workers=size, access_log=False, motd=False)


if __name__ == "__main__":
    main()
