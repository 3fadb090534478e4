"""Rasa components for Vietnamese. Only this folder imports rasa; it runs under Python 3.10.

Nothing in it knows this project's intents or entities: they come from the training data and from
``config.yml``.
"""

from nlu.components.entities import SpanEntityExtractor
from nlu.components.intents import LinearIntentClassifier
from nlu.components.tokenizer import VietnameseTokenizer
from nlu.components.typos import TypoCorrector

__all__ = ["LinearIntentClassifier", "SpanEntityExtractor", "TypoCorrector", "VietnameseTokenizer"]
