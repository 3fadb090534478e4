"""Extracting entities."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.kept import KeptComponent
from nlu.components.registry import registered
from nlu.components.spans import Marked, Span, SpanTagger, overlap_free
from nlu.components.tokenizer import TOKENS, words_of
from nlu.text import fold, normalise, normalise_word


@registered("ENTITY_EXTRACTOR", trainable=True)
class SpanEntityExtractor(KeptComponent):
    """Marks entities by what their words look like and which role they play in the sentence.

    Synonyms give an entity its normal value; lookup tables give further words of an entity, for training.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the settings of the tagger.

        How alike two kinds' words are to share a look, the share of swapped words, and the iterations.
        """
        return {"alike": 0.08, "swapped": 0.5, "iterations": 40}

    def __init__(
        self,
        config: Dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        tagger: SpanTagger | None = None,
        values: Dict[str, str] | None = None,
    ) -> None:
        super().__init__(config, storage, resource)
        self._tagger = tagger
        self._values = values or {}

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the entities and keep the model; without any entity there is nothing to keep."""
        self._values = normal_values(training_data)
        sentences = [_marked(example) for example in training_data.nlu_examples]
        if any(sentence.spans for sentence in sentences):
            self._tagger = SpanTagger(**_settings(self._config)).fit(sentences, _lookups(training_data))
            self._keep(self._tagger, self._values)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the entities of each message."""
        if self._tagger is None:
            return messages
        for message in messages:
            tokens: List[Token] = message.get(TOKENS) or []
            found = [
                self._entity(message.get(TEXT), tokens[span.start : span.end], span.kind, sure)
                for span, sure in self._tagger.tag([token.text for token in tokens])
            ]
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *found], add_to_output=True)
        return messages

    def _entity(self, text: str, tokens: Sequence[Token], kind: str, sure: float) -> Dict[str, Any]:
        start, end = tokens[0].start, tokens[-1].end
        return {
            "entity": kind,
            "start": start,
            "end": end,
            "confidence_entity": sure,
            "value": self._values.get(key_of(text[start:end]), text[start:end]),
            "extractor": "SpanEntityExtractor",
        }


def _settings(config: Dict[str, Any]) -> Dict[str, Any]:
    return {name: config[name] for name in SpanEntityExtractor.get_default_config()}


def normal_values(training_data: TrainingData) -> Dict[str, str]:
    """Give the normal value of each synonym, whatever its accents and case."""
    return {key_of(words): value for words, value in training_data.entity_synonyms.items()}


def key_of(words: str) -> str:
    """Give words as they are looked up among the synonyms."""
    return fold(normalise(words)).lower()


def _marked(example: Message) -> Marked:
    """Give a training sentence's words and spans; an entity covers every word that it touches."""
    tokens: List[Token] = example.get(TOKENS) or []
    spans = []
    for entity in example.get(ENTITIES) or []:
        covered = [n for n, token in enumerate(tokens)
                   if token.start < entity["end"] and token.end > entity["start"]]  # fmt: skip
        if covered:
            spans.append(Span(covered[0], covered[-1] + 1, entity["entity"]))
    return Marked([token.text for token in tokens], overlap_free(spans))


def _lookups(training_data: TrainingData) -> Dict[str, List[List[str]]]:
    """Give the words of each entry of the lookup tables that are lists."""
    return {
        table["name"]: [list(map(normalise_word, words_of(entry))) for entry in table["elements"]]
        for table in training_data.lookup_tables
        if isinstance(table["elements"], list)
    }
