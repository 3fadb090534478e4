"""The terminal: a chat, one question, or a file of questions for measuring."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from bot.inbox import Message
from bot.intake import BadInput
from bot.turn import Assistant, Reply

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def chat_loop(assistant: Assistant) -> None:
    """Talk until an empty line or the end of input."""
    console = Console()
    conversation_id: str | None = None
    console.print("[dim]Máy trả lời tự động. Gõ câu hỏi, hoặc số của lựa chọn; Enter để thoát.[/dim]")
    while line := _read_line(console):
        try:
            reply = assistant.reply(Message("console", line, conversation_id=conversation_id))
        except BadInput as error:
            console.print(f"[red]{error.message}[/red]")
            continue
        conversation_id = reply.body["conversation_id"]
        console.print(Markdown(say_reply(reply)))


def _read_line(console: Console) -> str:
    try:
        return console.input("[bold]> [/bold]").strip()
    except (EOFError, KeyboardInterrupt):
        return ""


def say_reply(reply: Reply) -> str:
    """Write a reply as Markdown with its choices numbered and its sources below."""
    parts: list[str] = []
    for message in reply.messages:
        parts.append(message["text"])
        choices = [f"{number}. {choice['title']}" for number, choice in enumerate(message["choices"], 1)]
        if choices:
            parts.append("\n".join(choices))
        sources = [f"- Nguồn: {source_line(source)}" for source in message["sources"]]
        if sources:
            parts.append("\n".join(sources))
    return "\n\n".join(parts)


def source_line(source: dict[str, Any]) -> str:
    """Say a source in one line: number, title, address."""
    return " — ".join(str(source[part]) for part in ("number", "title", "url") if source.get(part))


def ask_file(assistant: Assistant, path: Path) -> None:
    """Ask every question of a JSON-lines file, printing one answer object a line."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    console = Console(stderr=True)
    for number, line in track(
        enumerate(lines, 1), "Hỏi", len(lines), console=console, disable=not sys.stderr.isatty()
    ):
        print(json.dumps(_ask_line(assistant, line, f"{path}:{number}"), ensure_ascii=False), flush=True)


def _ask_line(assistant: Assistant, line: str, where: str) -> dict[str, Any]:
    try:
        return assistant.reply(Message("console", _text_of(line, where))).body
    except BadInput as error:
        return {"status": "bad_input", "field": error.field, "detail": error.message}


def _text_of(line: str, where: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("file", f'{where}: is not an object like {{"text": "..."}} ({error})') from error
    if not isinstance(text, str):
        raise BadInput("text", f"{where}: text must be a string")
    return text
