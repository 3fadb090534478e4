"""Splitting Vietnamese text into syllables."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from nlu.components.registry import registered
from nlu.text import normalise_word, word_spans

TOKENS = "text_tokens"  # where Rasa keeps them


@registered("MESSAGE_TOKENIZER", trainable=False)
class VietnameseTokenizer(Tokenizer):
    """Splits text into syllables, keeping codes and dates whole, and gives each its one spelling.

    A token's text is lower case and normalised; its place is the place in the text as written.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Give the settings that Rasa's tokenizers share."""
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Split one attribute of a message into tokens."""
        text = message.get(attribute)
        tokens = [
            Token(normalise_word(text[start:end].lower()), start, end) for start, end in word_spans(text)
        ]
        return self._apply_token_pattern(tokens)


def words_of(text: str) -> List[str]:
    """Give the words of a text as typed, in lower case."""
    return [text[start:end].lower() for start, end in word_spans(text)]
