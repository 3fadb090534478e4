"""Correcting slips of the finger: a word never seen becomes the known word one slip away that fits here."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Dict, Iterable, List, Sequence

from rasa.engine.storage.resource import Resource
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.kept import KeptComponent
from nlu.components.registry import registered
from nlu.components.tokenizer import TOKENS, words_of
from nlu.text import fold, normalise_word

_SHORTEST = 3  # letters of a word that is corrected
_OFTEN = 2  # times that a word must have been seen to replace another
_START, _END = "<", ">"


@dataclass
class Speller:
    """Knows the words of the training sentences, as typed and normalised, with and without accents.

    ``spelt`` gives each form's normalised word, ``seen`` how often each form, ``pairs`` which normalised
    words stood side by side and how often.
    """

    spelt: Dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)

    def fit(self, sentences: Iterable[Sequence[str]]) -> Speller:
        """Learn from sentences of words as typed, in lower case."""
        for sentence in sentences:
            for words in (sentence, [fold(word) for word in sentence]):
                normal = [normalise_word(word) for word in words]
                for form, word in (*zip(normal, normal), *zip(words, normal)):
                    self.spelt.setdefault(form, word)
                    self.seen[form] += 1
                self.pairs.update(f"{a} {b}" for a, b in pairwise([_START, *normal, _END]))
        return self

    def __post_init__(self) -> None:
        self._by_part: Dict[str, List[str]] = {}
        self._near = lru_cache(4096)(self._find_near)

    def __getstate__(self) -> Dict[str, Any]:
        return {"spelt": self.spelt, "seen": self.seen, "pairs": self.pairs}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    def correct(self, words: Sequence[str]) -> List[str]:
        """Give a sentence's normalised words with each unknown one that has a fitting neighbour replaced."""
        corrected = [_START, *words, _END]
        for place, word in enumerate(words, 1):
            if len(word) < _SHORTEST or word in self.spelt or not word.isalpha():
                continue
            before, after = corrected[place - 1], corrected[place + 1]
            fits = {near: self.pairs[f"{before} {near}"] + self.pairs[f"{near} {after}"]
                    for near in self._near(word)}  # fmt: skip
            best = max(fits, key=lambda near: (fits[near], self.seen[near]), default=word)
            if fits.get(best):
                corrected[place] = best
        return corrected[1:-1]

    def _find_near(self, word: str) -> List[str]:
        """Give the normalised words one slip from ``word``: a letter more, less or other, or two swapped."""
        if not self._by_part:
            parts: Dict[str, List[str]] = defaultdict(list)
            for form, count in self.seen.items():
                if count >= _OFTEN and form.isalpha():
                    for part in _parts(form):
                        parts[part].append(form)
            self._by_part = dict(parts)
        forms = {form: None for part in sorted(_parts(word)) for form in self._by_part.get(part, [])}
        return list(dict.fromkeys(self.spelt[form] for form in forms if one_slip(word, form)))


def _parts(word: str) -> set[str]:
    """Give a word and what is left of it without one letter; words one slip apart share one of these."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def one_slip(typed: str, meant: str) -> bool:
    """Tell whether one letter more, less or other, or two neighbours swapped, makes one word the other."""
    if len(typed) != len(meant):
        short, long = sorted((typed, meant), key=len)
        return len(long) == len(short) + 1 and short in _parts(long)
    differ = [place for place, (a, b) in enumerate(zip(typed, meant)) if a != b]
    if len(differ) == 2:
        one, other = differ
        return other == one + 1 and typed[one] == meant[other] and typed[other] == meant[one]
    return len(differ) == 1


@registered("MESSAGE_FEATURIZER", trainable=True)
class TypoCorrector(KeptComponent):
    """Gives tokens with a typo the text of the word that was meant; their places stay."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the settings: none."""
        return {}

    def __init__(self, config: Any, storage: Any, resource: Resource, speller: Speller | None = None) -> None:
        super().__init__(config, storage, resource)
        self._speller = speller or Speller()

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the words of all sentences and lookup tables, and keep them."""
        tables = [table["elements"] for table in training_data.lookup_tables]
        entries = [entry for elements in tables if isinstance(elements, list) for entry in elements]
        sentences = [example.get(TEXT) for example in training_data.nlu_examples]
        self._speller.fit(words_of(text) for text in [*sentences, *entries])
        self._keep(self._speller)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the sentences that the words come from as they are."""
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Correct the tokens of each message."""
        for message in messages:
            tokens: List[Token] = message.get(TOKENS) or []
            for token, text in zip(tokens, self._speller.correct([token.text for token in tokens])):
                token.text = text
        return messages
