"""Telegram's rules for the text of a message: which HTML it reads, and how much of it."""

from __future__ import annotations

import re
from html import unescape

from tests.servers.telegram_refusal import Refused

LONGEST = 4096  # UTF-16 code units of a message
TAGS = frozenset("b strong i em u ins s strike del tg-spoiler a code pre blockquote".split())
MARK = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-z-]+)(?P<rest>(?: [a-z]+(?:=\"[^\"<>]*\")?)*)>|[<>]|&(?P<entity>[^;\s]*;)?"
)


def message_text(text: str, parse_mode: str) -> str:
    """Give the text that the citizen reads; raises Refused where Telegram would."""
    plain = (parsed_text(text) if parse_mode == "HTML" else text).strip()
    if not plain:
        raise Refused(400, "Bad Request: message text is empty")
    if len(plain.encode("utf-16-le")) // 2 > LONGEST:
        raise Refused(400, "Bad Request: message is too long")
    return plain


def parsed_text(html: str) -> str:
    """Give the text of Telegram's HTML; raises Refused where Telegram would, or for bare < > &."""
    opened: list[str] = []
    for mark in MARK.finditer(html):
        if mark["tag"]:
            _open_or_close(mark, opened)
        elif not (mark["entity"] and re.fullmatch(r"lt;|gt;|amp;|quot;|#\d+;|#x[0-9a-f]+;", mark["entity"])):
            raise Refused(400, f"Bad Request: can't parse entities: {mark[0]!r} at {mark.start()}")
    if opened:
        raise Refused(400, f"Bad Request: can't parse entities: can't find end tag of {opened[-1]}")
    return unescape(MARK.sub(lambda mark: mark[0] if mark["entity"] else "", html))


def _open_or_close(mark: re.Match[str], opened: list[str]) -> None:
    tag = mark["tag"]
    if mark["close"]:
        if not opened or opened.pop() != tag:
            raise Refused(400, f"Bad Request: can't parse entities: unexpected end tag {tag}")
    elif tag not in TAGS or (tag == "blockquote" and tag in opened) or "code" in opened:
        raise Refused(400, f"Bad Request: can't parse entities: unsupported start tag {tag}")
    elif tag == "a" and not re.fullmatch(r' href="[^"]+"', mark["rest"]):
        raise Refused(400, "Bad Request: can't parse entities: a link needs its address")
    else:
        opened.append(tag)
