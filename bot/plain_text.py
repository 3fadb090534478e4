"""Plain text for platforms without marks, such as Zalo: our Markdown subset, its marks taken off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

from bot.telegram_text import BREAKS, as_html

LIMIT = 2000  # characters of one text on Zalo
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_TAG = re.compile(r"</?[a-z][^>]*>")


def plain_text(markdown: str, sources: Sequence[dict[str, Any]] = (), limit: int = LIMIT) -> list[str]:
    """Write an answer and its sources as plain text, each piece within the limit of characters."""
    html = _LINK.sub(
        lambda link: link[2] if link[2] == link[1] else f"{link[2]}: {link[1]}", as_html(markdown)
    )
    told = unescape(_TAG.sub("", html)).strip()
    listed = "\n".join(f"Nguồn: {_source(each)}" for each in sources)
    return list(_pieces("\n\n".join(part for part in (told, listed) if part), limit))


def _source(source: dict[str, Any]) -> str:
    return " – ".join(str(source[part]) for part in ("number", "title", "url") if source.get(part))


def _pieces(text: str, limit: int) -> list[str]:
    """Cut a text between paragraphs, else lines, else sentences, else words."""
    pieces = []
    while len(text) > limit:
        end = next((cut for pattern in BREAKS if (cut := _last(pattern, text, limit))), limit)
        pieces.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*pieces, text] if text else pieces


def _last(pattern: re.Pattern[str], text: str, limit: int) -> int:
    return max((found.start() for found in pattern.finditer(text, 0, limit + 1)), default=0)
