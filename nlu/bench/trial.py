"""Training pipelines and reading sentences with them, with Rasa's own trainer and agent, for measuring.

Reads a JSON list of jobs from a file: each has ``config``, ``data``, ``folder`` (for the model), ``texts``
and ``out``. Writes ``{"training_seconds", "reading_seconds", "parses"}`` to each job's ``out``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.model_training import train_nlu

KEPT = ("intent", "intent_ranking", "entities", "also_asked")


def run(job: dict[str, Any]) -> None:
    """Train on a job's data and read its texts."""
    started = time.monotonic()
    model = train_nlu(
        config=job["config"], nlu_data=job["data"], output=job["folder"], fixed_model_name="model"
    )
    trained = time.monotonic()
    if model is None:
        raise SystemExit(f"{job['config']}: could not be trained on {job['data']}")
    parses = asyncio.run(_read(Agent.load(model), job["texts"]))
    result = {
        "training_seconds": trained - started,
        "reading_seconds": time.monotonic() - trained,
        "parses": parses,
    }
    Path(job["out"]).write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


async def _read(agent: Agent, texts: list[str]) -> list[dict[str, Any]]:
    parses = [await agent.processor.parse_message(UserMessage(text)) for text in texts]
    return [{name: parse[name] for name in KEPT if name in parse} for parse in parses]


if __name__ == "__main__":
    for given in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        run(given)
        print(f"done {given['out']}", flush=True)
