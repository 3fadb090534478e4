"""Doing things on a screen in the name of who is signed in, checked anew each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nicegui import run, ui
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.sign_in_pages import SIGN_IN
from bot.hotline.cases import CaseRefused
from bot.hotline.staff import Right, StaffError, may
from bot.hotline.staff_sessions import Lifetime, who
from bot.workbench.telling import told_refusal
from knowledge.database import DatabaseUnavailable, transaction
from knowledge.editing.revisions import EditRefused

Work = Callable[[Session], object]
Kind = Literal["info", "positive", "warning", "negative"]
NOTICE = {"info": 5_000, "positive": 5_000, "warning": 7_000, "negative": 10_000}  # milliseconds


class Doing:
    """What one browser's session may do, as long as it lasts and has the right."""

    def __init__(self, engine: Engine, token: str, lifetime: Lifetime, right: Right) -> None:
        self.engine, self.token, self.lifetime, self.right = engine, token, lifetime, right
        self.place = ui.element()  # where notices and dialogs hang, whatever else is drawn anew

    async def do(self, work: Work, told: Callable[[str], object] | None = None) -> bool:
        """Do something; what cannot be done is told, as a notice or by ``told``, and nothing is lost."""
        told = told or self.tell
        try:
            if await run.io_bound(self._work, work):
                return True
            self.leave()
        except StaffError as error:
            told(error.shown)
        except EditRefused as error:
            told(told_refusal(error))
        except (CaseRefused, DatabaseUnavailable) as error:
            told(str(error))
        except (NoResultFound, IntegrityError):  # erased at this moment
            told(say("desk.gone"))
        return False

    def may_go_on(self, *, is_use: bool = False) -> bool:
        """Tell whether the session lasts and still has the right."""
        signed = who(self.engine, self.token, self.lifetime, is_use=is_use)
        return signed is not None and not signed.needs_second_factor and may(signed.role, self.right)

    def tell(self, words: str, kind: Kind = "negative") -> None:
        """Show a notice."""
        with self.place:
            ui.notify(words, type=kind, position="top", multi_line=True, timeout=NOTICE[kind])

    def leave(self) -> None:
        """Go to where one signs in."""
        with self.place:
            ui.navigate.to(SIGN_IN.removeprefix("/desk"))  # NiceGUI puts its own path before

    def _work(self, work: Work) -> bool:
        if not self.may_go_on(is_use=True):
            return False
        with transaction(self.engine) as session:
            work(session)
        return True
