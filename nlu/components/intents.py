"""Telling what a sentence asks."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.clauses import Clauses
from nlu.components.entities import key_of, normal_values
from nlu.components.kept import KeptComponent
from nlu.components.registry import registered
from nlu.components.scoring import IntentScorer
from nlu.components.tokenizer import TOKENS

FALLBACK = "nlu_fallback"
ALSO = "also_asked"


@registered("INTENT_CLASSIFIER", trainable=True)
class LinearIntentClassifier(KeptComponent, IntentClassifier):
    """Tells the intent of a sentence whose entities are replaced by their kinds, and whether it is sure.

    So "làm hộ chiếu hết bao nhiêu" helps to understand "tách thửa hết bao nhiêu"; the classifier stands
    behind the entity extractor. An unsure sentence gets the intent ``nlu_fallback`` before its ranking.
    A second question in the same message is given as ``also_asked``.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the features, the least confidence (also by intent) and lead, and how clauses are read.

        ``alone`` (intents that are never a second question) switches the reading of clauses on.
        """
        return {
            "word_ngrams": [1, 2],
            "char_ngrams": [2, 4],
            "regularisation": 1.0,
            "last_clause": 0.5,
            "vectors_below": 1500,
            "ranking_length": 6,
            "threshold": 0.0,
            "thresholds": {},
            "ambiguity_threshold": 0.0,
            "aside": [],
            "alone": None,
        }

    def __init__(
        self,
        config: Dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        scorer: IntentScorer | None = None,
        values: Dict[str, str] | None = None,
    ) -> None:
        super().__init__(config, storage, resource)
        self._scorer = scorer
        self._values = values or {}
        alone = config["alone"]
        self._clauses = None if scorer is None or alone is None else Clauses(scorer, config["aside"], alone)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the intents and keep the model; a single intent needs none."""
        examples = [example for example in training_data.intent_examples if example.get(TOKENS)]
        intents = [example.get(INTENT) for example in examples]
        if len(set(intents)) < 2:
            return self._resource
        self._values = normal_values(training_data)
        texts = [self._masked(example) for example in examples]
        config = self._config
        self._scorer = IntentScorer(
            tuple(config["word_ngrams"]), tuple(config["char_ngrams"]), config["regularisation"],
            config["last_clause"], config["vectors_below"],
        ).fit(texts, intents)  # fmt: skip
        self._keep(self._scorer, self._values)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message, and what else it asks."""
        if self._scorer is None or not messages:
            return messages
        texts = [self._masked(message) for message in messages]
        for message, text, chances in zip(messages, texts, self._scorer.score(texts)):
            ranking = self._ranking(self._scorer.intents, chances)
            asked = [(ranking[0]["name"], ranking[0]["confidence"])]
            if self._clauses is not None:
                asked = self._clauses.asked(text, chances)
                ranking = _led_by(asked[0], ranking)
            name = asked[0][0] if self._is_sure(ranking, asked) else FALLBACK
            message.set(INTENT, {"name": name, "confidence": asked[0][1]}, add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
            message.set(ALSO, asked[1][0] if len(asked) > 1 else None, add_to_output=True)
        return messages

    def _ranking(self, intents: Sequence[str], chances: np.ndarray) -> List[Dict[str, Any]]:
        best = np.argsort(-chances)[: self._config["ranking_length"]]
        return [{"name": intents[n], "confidence": float(chances[n])} for n in best]

    def _is_sure(self, ranking: Sequence[Dict[str, Any]], asked: Sequence[Tuple[str, float]]) -> bool:
        """Tell whether the first intent may be acted on; a second question beside it makes no doubt."""
        beside = {name for name, _ in asked}
        sure = sum(item["confidence"] for item in ranking if item["name"] in beside)
        other = max((item["confidence"] for item in ranking if item["name"] not in beside), default=0.0)
        least = self._config["thresholds"].get(asked[0][0], self._config["threshold"])
        return sure >= least and sure - other >= self._config["ambiguity_threshold"]

    def _masked(self, message: Message) -> str:
        """Give the sentence's words, with each entity as one word.

        That word is the entity's kind, with its value where that is a normal one.
        """
        entities = sorted(message.get(ENTITIES) or [], key=lambda entity: entity["start"])
        words: List[str] = []
        end = 0
        for token in message.get(TOKENS) or []:
            entity = next((e for e in entities if e["start"] < token.end and token.start < e["end"]), None)
            if entity is None:
                words.append(token.text)
            elif token.start >= end:
                words.append(self._mask(entity, message.get(TEXT)))
                end = entity["end"]
        return " ".join(words)

    def _mask(self, entity: Dict[str, Any], text: str) -> str:
        value = self._values.get(key_of(text[entity["start"] : entity["end"]]), "")
        return f"__{entity['entity']}_{value}_".replace(" ", "_").lower()


def _led_by(first: Tuple[str, float], ranking: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Put what a clause asks before the ranking of the whole message, whose probabilities share the rest."""
    if ranking[0]["name"] == first[0]:
        return ranking
    rest = [
        {**item, "confidence": item["confidence"] * (1 - first[1])}
        for item in ranking
        if item["name"] != first[0]
    ]
    return [{"name": first[0], "confidence": first[1]}, *rest][: len(ranking)]
