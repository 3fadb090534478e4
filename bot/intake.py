"""The door: a citizen's text is composed (NFC), freed of invisible marks and checked.

BadInput
└── UnknownConversation: the conversation is not, or no longer, stored
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

LONGEST = 2000  # characters of a message after composing
_SPACES = re.compile(r"[^\S\n]+")
_KEPT_CONTROLS = "\n\t "


class BadInput(ValueError):
    """Input that cannot be used: which field, and in Vietnamese what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}")


class UnknownConversation(BadInput):
    """A conversation id that is not stored."""

    def __init__(self) -> None:
        super().__init__("conversation_id", "Không có cuộc trò chuyện này. Bỏ trống để bắt đầu cuộc mới.")


def clean(text: str) -> str:
    """Compose a text and drop what cannot be seen; raises BadInput when nothing is left or it is too long."""
    seen = "".join(
        mark if mark in _KEPT_CONTROLS else " " if category(mark) == "Cc" else mark
        for mark in text
        if category(mark) not in ("Cf", "Cs", "Co", "Cn")
    )
    tidy = _SPACES.sub(" ", normalize("NFC", seen)).strip()
    if not tidy:
        raise BadInput("text", "Tin nhắn không có chữ nào. Anh/chị nhắn từ 1 đến 2000 ký tự.")
    if len(tidy) > LONGEST:
        raise BadInput(
            "text", f"Tin nhắn dài {len(tidy)} ký tự; tối đa {LONGEST} ký tự. Anh/chị nhắn ngắn hơn."
        )
    return tidy


def has_words(text: str) -> bool:
    """Tell whether a text holds a letter or digit."""
    return any(mark.isalnum() for mark in text)
