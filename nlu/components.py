"""Rasa components for Vietnamese. The only module that imports rasa; it runs under Python 3.10."""

from __future__ import annotations

from typing import Any, Dict, List

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from nlu.text import compose, fold, mask, word_spans


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class VietnameseTokenizer(Tokenizer):
    """Splits composed (NFC) text into syllables, keeping codes and dates whole.

    While training it adds an accent-stripped copy of every sentence, because many citizens type
    without accents; the data files hold each sentence once. Folding keeps the length of composed
    text, so entity marks stay where they are.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the settings that Rasa's tokenizers share, and whether to train on stripped copies."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "train_on_stripped_copies": True,
        }

    def __init__(self, config: Dict[str, Any]) -> None:
        super().__init__(config)
        self._adds_copies = bool(config["train_on_stripped_copies"])

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Split one attribute of a message into tokens."""
        text = compose(message.get(attribute))
        tokens = [Token(text[start:end].lower(), start, end) for start, end in word_spans(text)]
        return self._apply_token_pattern(tokens)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Tokenize the training data together with the stripped copies."""
        if not self._adds_copies:
            return super().process_training_data(training_data)
        copies = [copy for copy in map(_stripped, training_data.training_examples) if copy is not None]
        return super().process_training_data(training_data.merge(TrainingData(copies)))


def _stripped(message: Message) -> Message | None:
    text = message.get(TEXT)
    if text is None or fold(text) == text:
        return None
    copy = {**message.as_dict(), TEXT: fold(text)}
    if ENTITIES in copy:
        copy[ENTITIES] = [_stripped_entity(entity, text) for entity in copy[ENTITIES]]
    return Message(copy)


def _stripped_entity(entity: dict[str, Any], text: str) -> dict[str, Any]:
    """Strip a value that is just the words of the sentence; a normal value stays."""
    words = text[entity["start"] : entity["end"]]
    return {**entity, "value": fold(words)} if entity["value"] == words else dict(entity)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(GraphComponent, IntentClassifier):
    """Tells the intent from words and letter groups, whatever the entities' own words are.

    It learns each sentence as written and with its entities replaced by their kind, so that
    "làm hộ chiếu hết bao nhiêu" helps to understand "tách thửa hết bao nhiêu". At run time it reads
    the masked sentence; so it stands behind the entity extractor. Scores become probabilities by
    one temperature, fitted on sentences that the scoring model had not seen (Guo et al., 2017).
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the n-gram ranges, the regularisation and how many intents to rank."""
        return {"word_ngrams": [1, 2], "char_ngrams": [2, 4], "C": 1.0, "folds": 3, "ranking_length": 6}

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Pipeline | None = None,
        temperature: float = 1.0,
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._model = model
        self._temperature = temperature

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> LinearIntentClassifier:
        """Make an untrained classifier."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the intents and keep the model."""
        examples = training_data.intent_examples
        if len({example.get(INTENT) for example in examples}) < 2:
            return self._resource
        texts = [text for example in examples for text in _views(example)]
        intents = [example.get(INTENT) for example in examples for _ in _views(example)]
        self._model = self._untrained()
        self._temperature = self._fit_temperature(
            texts, intents, [_frame(e) for e in examples for _ in _views(e)]
        )
        self._model.fit(texts, intents)
        self._persist()
        return self._resource

    def _untrained(self) -> Pipeline:
        words = TfidfVectorizer(
            token_pattern=r"\w+", ngram_range=tuple(self._config["word_ngrams"]), sublinear_tf=True
        )
        letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=tuple(self._config["char_ngrams"]), sublinear_tf=True
        )
        return make_pipeline(
            FeatureUnion([("words", words), ("letters", letters)]),
            LinearSVC(C=self._config["C"], class_weight="balanced", random_state=0),
        )

    def _fit_temperature(self, texts: list[str], intents: list[str], frames: list[str]) -> float:
        """Find the temperature under which unseen sentences' probabilities are most truthful.

        Copies of one sentence share its frame and never stand on both sides of a fold.
        """
        fewest = min(intents.count(intent) for intent in set(intents))
        if fewest < self._config["folds"]:
            return 1.0
        scores = cross_val_predict(
            self._untrained(),
            texts,
            intents,
            groups=frames,
            cv=StratifiedGroupKFold(self._config["folds"]),
            method="decision_function",
        )
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        kinds = {intent: column for column, intent in enumerate(sorted(set(intents)))}
        rows, right = np.arange(len(intents)), np.array([kinds[intent] for intent in intents])
        found = minimize_scalar(
            lambda heat: -log_softmax(scores / heat, axis=1)[rows, right].mean(),
            bounds=(0.05, 5.0),
            method="bounded",
        )
        return float(found.x)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message."""
        if self._model is None or not messages:
            return messages
        scores = self._model.decision_function([_masked(message).lower() for message in messages])
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        for message, row in zip(messages, softmax(scores / self._temperature, axis=1)):
            best = np.argsort(-row)[: self._config["ranking_length"]]
            ranking = [{"name": self._model.classes_[n], "confidence": float(row[n])} for n in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _persist(self) -> None:
        with self._storage.write_to(self._resource) as folder:
            joblib.dump((self._model, self._temperature), folder / "model.joblib")

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **_: Any,
    ) -> LinearIntentClassifier:
        """Load a kept model; an untrained one when there is none."""
        try:
            with model_storage.read_from(resource) as folder:
                model, temperature = joblib.load(folder / "model.joblib")
        except ValueError:
            return cls(config, model_storage, resource)
        return cls(config, model_storage, resource, model, temperature)


def _masked(message: Message) -> str:
    spans = [(item["start"], item["end"], item["entity"]) for item in message.get(ENTITIES) or []]
    return mask(message.get(TEXT), spans)


def _frame(message: Message) -> str:
    """Give what all copies of a sentence have in common: its words without accents and names."""
    return fold(_masked(message)).lower()


def _views(message: Message) -> List[str]:
    """Give a training sentence as written and, when it has entities, masked."""
    return list(dict.fromkeys((message.get(TEXT).lower(), _masked(message).lower())))
