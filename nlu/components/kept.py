"""What every trained component of ours has in common: how it is made, kept and loaded again."""

from __future__ import annotations

from typing import Any, Dict

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage

_FILE = "model.joblib"


class KeptComponent(GraphComponent):
    """A component that is made untrained, keeps what it has learnt, and is given that when it is loaded.

    A component takes what it keeps as further arguments, each of which may be missing.
    """

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> KeptComponent:
        """Make an untrained component."""
        return cls(config, model_storage, resource)

    def _keep(self, *learnt: Any) -> None:
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(learnt, folder / _FILE, compress=("zlib", 1))  # Rasa packs what is packed faster

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **_: Any,
    ) -> KeptComponent:
        """Load a component with what it has kept; an untrained one when there is nothing."""
        try:
            with model_storage.read_from(resource) as folder:
                learnt = joblib.load(folder / _FILE)
        except ValueError:
            return cls(config, model_storage, resource)
        return cls(config, model_storage, resource, *learnt)
