"""Handing drafts in: where one meets another revision in a field, whoever hands in chooses what stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from actions.wording import day, say
from bot.workbench.fields import told_table
from bot.workbench.merge_dialog import ask_which
from bot.workbench.questions import asked
from bot.workbench.shell import Visit
from knowledge.editing.drafts import Settled
from knowledge.editing.records import TABLE, Key, shape_of, title_of
from knowledge.editing.revisions import EditRefused

Work = Callable[[Session, Settled], object]


async def hand_in(visit: Visit, work: Work, told: Callable[[str], object] | None = None) -> bool:
    """Do something that hands drafts in, asking wherever one meets another; tell whether it is done."""
    settled: dict[tuple[int, int], Any] = {}
    met: list[EditRefused] = []

    def once(session: Session) -> None:
        try:
            work(session, settled)
        except EditRefused as error:
            if "against" in error.facts:
                met.append(error)
            raise

    def tell(words: str) -> None:
        if not met:
            (told or visit.doing.tell)(words)

    while not await visit.doing.do(once, tell):
        chosen = await _choose(visit, met.pop()) if met else None
        if chosen is None:
            return False
        settled |= chosen
    return True


async def _choose(visit: Visit, error: EditRefused) -> dict[tuple[int, int], Any] | None:
    """Ask what stands against the revision that was met; ``None`` when the question is dismissed."""
    facts = error.facts
    base, theirs, mine = facts["base"], facts["theirs"], facts["mine"]
    known = {"what": named(facts["record"], mine or theirs), "day": day(facts["day"])}
    if theirs is None or mine is None:  # one of them takes the whole record away
        question = say("content.met_retired" if theirs is None else "content.met_retiring", **known)
        return {facts["against"]: mine} if await asked(visit, question) else None
    hint = say(f"content.met_{error.reason}", **known)
    shape = shape_of(facts["record"])
    data = await ask_which(visit, shape, base, theirs, mine, list(error.conflicts), hint)
    return None if data is None else {facts["against"]: data}


def named(record: Key, data: Any) -> str:
    """Call a record by what people call it."""
    return told_table(record[1]) if record[0] == TABLE else title_of(record, data)
