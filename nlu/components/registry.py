"""Registering components with Rasa's recipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Component = TypeVar("Component", bound=type)


def registered(kind: str, trainable: bool) -> Callable[[Component], Component]:
    """Register a component for training with Rasa's default recipe.

    A trained model names its components and needs no recipe; importing one costs Rasa 7 seconds and 400 MB
    (TensorFlow). So it is used only where it is imported already.
    """
    recipes = sys.modules.get("rasa.engine.recipes.default_recipe")
    if recipes is None:
        return lambda component: component
    recipe = recipes.DefaultV1Recipe
    register: Callable[[Component], Component] = recipe.register(recipe.ComponentType[kind], trainable)
    return register
