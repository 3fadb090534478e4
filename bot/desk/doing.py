"""Doing things on a screen in the name of who is signed in, checked anew each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import run, ui
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.desk.sign_in_pages import SIGN_IN
from bot.hotline.staff import Right, StaffError, may
from bot.hotline.staff_sessions import Lifetime, who
from knowledge.database import DatabaseUnavailable, transaction

Work = Callable[[Session], object]


@dataclass(frozen=True)
class Doing:
    """What one browser's session may do, as long as it lasts and has the right."""

    engine: Engine
    token: str
    lifetime: Lifetime
    right: Right

    async def do(self, work: Work) -> bool:
        """Do something; what cannot be done is told, and nothing is lost."""
        try:
            if await run.io_bound(self._work, work):
                return True
            leave()
        except StaffError as error:
            tell(error.shown)
        except DatabaseUnavailable as error:
            tell(str(error))
        return False

    def may_go_on(self, *, is_use: bool = False) -> bool:
        """Tell whether the session lasts and still has the right."""
        signed = who(self.engine, self.token, self.lifetime, is_use=is_use)
        return signed is not None and not signed.needs_second_factor and may(signed.role, self.right)

    def _work(self, work: Work) -> bool:
        if not self.may_go_on(is_use=True):
            return False
        with transaction(self.engine) as session:
            work(session)
        return True


def tell(words: str) -> None:
    """Say what cannot be done."""
    ui.notify(words, type="negative", position="top", multi_line=True, timeout=10_000)


def leave() -> None:
    """Go to where one signs in."""
    ui.navigate.to(SIGN_IN.removeprefix("/desk"))  # NiceGUI puts its own path before
