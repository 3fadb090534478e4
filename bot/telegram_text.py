"""Telegram's text: our Markdown subset written as its HTML, in pieces short enough for one message.

The text is first read into spans (words with the tags around them), then cut, then written: so a cut
never falls inside a tag or an entity. The length of the HTML itself is kept to the limit, which is
stricter than Telegram, who counts after parsing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from typing import Any

LIMIT = 4096  # UTF-16 code units of one message
LONGEST_LINK = 1024  # characters; a longer address stands as text
SOURCE = "Nguồn: "
QUOTE = "blockquote expandable"

_ITEM = re.compile(r"(?P<indent> *)(?:- |\d+\. )")
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<url>https?://[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)\)"
    r"|(?P<address>https?://\S+)"  # its underscores are not italics; Telegram makes it a link
    r"|\*\*(?=\S)(?P<bold>.+?)(?<=\S)\*\*"
    r"|(?<!\w)_(?=\S)(?P<italic>.+?)(?<=\S)_(?!\w)"
)
BREAKS = (  # where to cut: between paragraphs, else lines, else sentences, else words
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…;])\s+"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True)
class _Span:
    text: str
    tags: tuple[str, ...] = ()


def telegram_pieces(markdown: str, sources: Sequence[dict[str, Any]] = (), limit: int = LIMIT) -> list[str]:
    """Write an answer and its sources as Telegram HTML, each piece within the limit."""
    rest = [*_read(markdown), *_quote(sources)]
    pieces = []
    while rest := _stripped(rest):
        head, rest = _cut(rest, limit)
        pieces.append(_write(head))
    return pieces


def as_html(markdown: str) -> str:
    """Write Markdown whole, in the few inline tags that Telegram knows; lines stay lines."""
    return _write(list(_read(markdown)))


def _read(markdown: str) -> Iterator[_Span]:
    for number, line in enumerate(_lines(markdown)):
        if number:
            yield _Span("\n")
        yield from _inline(_with_bullet(line), ())


def _lines(markdown: str) -> list[str]:
    """Join the lines that Markdown reads as one; only one empty line stays between paragraphs."""
    lines: list[str] = []
    for line in map(str.rstrip, markdown.splitlines()):
        if line and lines and lines[-1] and not _ITEM.match(line):
            lines[-1] += f" {line.lstrip()}"
        elif line or (lines and lines[-1]):
            lines.append(line)
    return lines


def _with_bullet(line: str) -> str:
    item = _ITEM.match(line)
    if item is None or not item[0].endswith("- "):
        return line
    return f"{item['indent']}{'◦' if item['indent'] else '•'} {line[item.end() :]}"


def _inline(text: str, tags: tuple[str, ...]) -> Iterator[_Span]:
    end = 0
    for found in _INLINE.finditer(text):
        yield _Span(text[end : found.start()], tags)
        yield from _marked(found, tags)
        end = found.end()
    yield _Span(text[end:], tags)


def _marked(found: re.Match[str], tags: tuple[str, ...]) -> Iterator[_Span]:
    if code := found["code"]:
        yield _Span(code, ("code",))  # Telegram lets code stand in no other tag
    elif label := found["label"]:
        yield from _inline(label, (*tags, *_link(found["url"])))
    elif address := found["address"]:
        yield _Span(address, tags)
    elif bold := found["bold"]:
        yield from _inline(bold, (*tags, "b"))
    else:
        yield from _inline(found["italic"], (*tags, "i"))


def _link(url: str | None) -> tuple[str, ...]:
    return (f'a href="{escape(url)}"',) if url and len(url) <= LONGEST_LINK else ()


def _quote(sources: Sequence[dict[str, Any]]) -> Iterator[_Span]:
    """Write the sources as a quote that unfolds, a line each."""
    for number, source in enumerate(sources):
        yield _Span("\n", (QUOTE,)) if number else _Span("\n\n")
        yield _Span(SOURCE, (QUOTE,))
        name = " — ".join(source[part] for part in ("number", "title") if source.get(part))
        yield _Span(name, (QUOTE, *_link(source.get("url"))))


def _stripped(spans: list[_Span]) -> list[_Span]:
    text = _plain(spans)
    return _slice(spans, len(text) - len(text.lstrip()), len(text.rstrip()))


def _cut(spans: list[_Span], limit: int) -> tuple[list[_Span], list[_Span]]:
    """Cut off as much as one message holds, at the best place."""
    text = _plain(spans)
    most = bisect_right(range(len(text)), limit, key=lambda end: _size(_slice(spans, 0, end + 1)))
    end = len(text) if most == len(text) else _best_break(text, max(most, 1))
    return _slice(spans, 0, end), _slice(spans, end, len(text))


def _best_break(text: str, most: int) -> int:
    for between in BREAKS:
        places = takewhile(lambda place: place <= most, (found.start() for found in between.finditer(text)))
        if place := max(places, default=0):
            return place
    return most  # one word longer than a message


def _plain(spans: list[_Span]) -> str:
    return "".join(span.text for span in spans)


def _slice(spans: list[_Span], start: int, end: int) -> list[_Span]:
    found, at = [], 0
    for span in spans:
        if kept := span.text[max(start - at, 0) : max(end - at, 0)]:
            found.append(_Span(kept, span.tags))
        at += len(span.text)
    return found


def _size(spans: list[_Span]) -> int:
    return len(_write(spans).encode("utf-16-le", "surrogatepass")) // 2


def _write(spans: list[_Span]) -> str:
    """Write spans as HTML, opening and closing only the tags that change."""
    parts: list[str] = []
    opened: tuple[str, ...] = ()
    for span in (*spans, _Span("")):
        shared = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opened, span.tags, strict=False))
        )
        parts += [f"</{tag.split()[0]}>" for tag in reversed(opened[shared:])]
        parts += [f"<{tag}>" for tag in span.tags[shared:]]
        parts.append(escape(span.text, quote=False))
        opened = span.tags
    return "".join(parts)
