"""Who opens a screen, and doing and reading things on it in their name, checked anew each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import run, ui
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.sign_in_pages import COOKIE, SECOND_FACTOR, SIGN_IN, page_of, then_to
from bot.hotline.cases import CaseRefused
from bot.hotline.staff import Right, StaffError, may
from bot.hotline.staff_sessions import Lifetime, Signed, who
from bot.workbench.telling import told_refusal
from knowledge.database import DatabaseUnavailable, transaction
from knowledge.editing.revisions import EditRefused

log = structlog.get_logger()
T = TypeVar("T")
Work = Callable[[Session], object]
Kind = Literal["info", "positive", "warning", "negative"]
NOTICE = {"info": 5_000, "positive": 5_000, "warning": 7_000, "negative": 10_000}  # milliseconds


async def signed_in(request: Request, engine: Engine, lifetime: Lifetime) -> Signed | RedirectResponse:
    """Tell who opens a page; whoever has to sign in first is sent to do so, and comes back to the page."""
    signed = await run.io_bound(who, engine, request.cookies.get(COOKIE, ""), lifetime)
    if signed is None or signed.needs_second_factor:
        return RedirectResponse(then_to(SECOND_FACTOR if signed else SIGN_IN, page_of(request)), 303)
    return signed


class Doing:
    """What one browser's session may do, as long as it lasts and has the right."""

    def __init__(self, engine: Engine, token: str, lifetime: Lifetime, right: Right) -> None:
        self.engine, self.token, self.lifetime, self.right = engine, token, lifetime, right
        self.place = ui.element()  # where notices and dialogs hang, whatever else is drawn anew
        self._dialogs: list[tuple[ui.dialog, ui.element]] = []  # begun, with what holds each

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
        except Exception:  # nobody is left wondering whether it was done
            log.exception("not_done", page=page_of(self.place.client.request))
            told(say("desk.failed"))
        return False

    async def look(self, read: Callable[[], T], *, is_use: bool = True) -> T | None:
        """Read something to show; who may not see it any more gets nothing, and goes to sign in."""
        try:
            may, found = await run.io_bound(self._look, read, is_use) or (True, None)
        except DatabaseUnavailable as error:
            if is_use:  # else looked at again in a moment
                self.tell(str(error))
            return None
        except Exception:
            log.exception("not_shown", page=page_of(self.place.client.request))
            if is_use:
                self.tell(say("desk.failed"))
            return None
        if not may:
            self.leave()
        return found

    async def stays(self, *, is_use: bool = True) -> bool:
        """Tell whether the session may go on; who may not goes to sign in."""
        return await self.look(lambda: True, is_use=is_use) or False

    def may_go_on(self, *, is_use: bool = False) -> bool:
        """Tell whether the session lasts and still has the right."""
        signed = who(self.engine, self.token, self.lifetime, is_use=is_use)
        return signed is not None and not signed.needs_second_factor and may(signed.role, self.right)

    def dialog(self) -> ui.dialog:
        """Begin a dialog, and forget those that are closed; the last one's handler may still be at work."""
        for dialog, holder in [each for each in self._dialogs if not each[0].value]:
            self._dialogs.remove((dialog, holder))
            dialog.delete()
            holder.delete()
        with self.place, ui.element() as holder:
            dialog = ui.dialog()
        self._dialogs.append((dialog, holder))
        return dialog

    def tell(self, words: str, kind: Kind = "negative") -> None:
        """Show a notice."""
        with self.place:
            ui.notify(words, type=kind, position="top", multi_line=True, timeout=NOTICE[kind])

    def leave(self) -> None:
        """Go to where one signs in, and back from there."""
        address = then_to(SIGN_IN, page_of(self.place.client.request))
        with self.place:
            ui.navigate.to(address.removeprefix("/desk"))  # NiceGUI puts its own path before

    def _look(self, read: Callable[[], T], is_use: bool) -> tuple[bool, T | None]:
        return (True, read()) if self.may_go_on(is_use=is_use) else (False, None)

    def _work(self, work: Work) -> bool:
        if not self.may_go_on(is_use=True):
            return False
        with transaction(self.engine) as session:
            work(session)
        return True
