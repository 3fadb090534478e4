"""Loading a trained model for reading, from its archive and without Rasa's engine.

ModelFault
└── a file that is no model or a broken one; says which and why
"""

from __future__ import annotations

import json
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

REMEMBERED = 4_096  # texts whose reading is kept
NOT_LOADED = ("NLUMessageConverter", "RegexMessageHandler")  # Rasa's ends of the pipeline, for dialogues
_FIRST = "chàoo bạn"  # a slip of the finger, so that what is made at the first one is there

Parse = Callable[[str], Dict[str, Any]]


class ModelFault(Exception):
    """A file that cannot be served as a model."""


def load_parser(model: Path) -> Parse:
    """Load a model; give the function that reads one text as ``/model/parse`` does; raises ModelFault."""
    try:
        parse = _parser(_load_pipeline(model))
        intent = parse(_FIRST)["intent"]["name"]
    except Exception as error:  # what a broken archive or pickle raises may be anything
        raise ModelFault(f"{model}: is no model that can be served ({error!r})") from error
    if intent is None:
        raise ModelFault(f"{model}: tells no intent of any sentence")
    return parse


def _parser(pipeline: List[Any]) -> Parse:
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
        metadata = json.loads(Path(folder, "metadata.json").read_text(encoding="utf-8"))
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
