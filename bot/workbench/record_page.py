"""One record at ``/content/record``: its form, what citizens will be told, and its history."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from datetime import date
from functools import partial
from typing import Any
from weakref import WeakSet

from nicegui import run, ui
from nicegui.events import ValueChangeEventArguments
from sqlalchemy.orm import Session

from actions.wording import day as told_day
from actions.wording import say
from bot.desk.moments import moment
from bot.workbench.announcements_view import AnnouncementsView
from bot.workbench.difference_view import LINES
from bot.workbench.fee_advice import fee_advice
from bot.workbench.fields import FormField, form_of, told_kind, told_table
from bot.workbench.form_view import Around, FormView
from bot.workbench.handing_in import hand_in
from bot.workbench.history_view import HistoryView
from bot.workbench.lessons import lesson_of, refuse_unfit_examples, with_corrections
from bot.workbench.links import check_links, links_in
from bot.workbench.merge_dialog import ask_which
from bot.workbench.preview_view import PreviewView
from bot.workbench.questions import ask_why, asked
from bot.workbench.record_state import RecordState, begin_draft, note_deed, read_state
from bot.workbench.shell import PATH, Visit
from knowledge.database import reading
from knowledge.editing.drafts import Settled, drop, give_back, save, submit, take_away, tidy
from knowledge.editing.records import TABLE, Key, UnknownKey, shape_of, title_of
from knowledge.editing.revisions import ContentRevision, EditRefused, plain
from knowledge.editing.three_way import Conflict, merge
from knowledge.records import EVERYBODY

FEWEST_TO_JUMP = 8  # fields of a form that is too long to see at once
SAVED_EVERY = 5.0  # seconds between savings of what was typed
PATIENCE = 2.0  # seconds that a reloaded page waits for what was typed before
_OPEN: WeakSet[RecordScreen] = WeakSet()


async def record_page(visit: Visit, key: Key) -> None:
    """Lay a record out; an unknown kind is told."""
    try:
        shape_of(key)
    except UnknownKey:
        ui.label(say("content.unknown_kind"))
        return
    await RecordScreen(visit, key).build()


class RecordScreen:
    """One browser's view of a record."""

    def __init__(self, visit: Visit, key: Key) -> None:
        self.visit, self.key, self.shape = visit, key, shape_of(key)
        self.state = RecordState(None, None, [], [], {}, None, {})
        self.data: Any = None  # as it is typed; a record that is one value stands under ""
        self.began: Any = None  # the data, and the version of them, that were changed
        self.version = 0
        self.is_dirty = False
        self.in_field: int | None = None  # where somebody types: nothing is drawn anew under the hands
        self.has_news = False  # a colleague's changes are saved beside what is typed, but not drawn yet
        self.saving = asyncio.Lock()  # one at a time: else one's own saving looks like a colleague's
        self.sent = AnnouncementsView(visit, self._typed)

    @property
    def _is_sent(self) -> bool:
        return self.key == (TABLE, "notices")

    @property
    def today(self) -> date:
        """The day by now: a page may stand open over midnight."""
        return self.visit.bench.settings.content_day()

    async def build(self) -> None:
        """Draw the page, and save what is typed from time to time."""
        await self._let_own_be_saved()
        await self._load()
        with ui.column().classes("w-full max-w-6xl mx-auto gap-2"):
            self._top()
            with ui.tabs().props("no-caps align=left") as tabs:
                ui.tab("form", say("content.form"))
                ui.tab("preview", say("content.preview"))
                if self._is_sent:
                    ui.tab("sent", say("content.sent"))
                ui.tab("history", say("content.history"))
            with ui.tab_panels(tabs, value="form", animated=False).classes("w-full bg-transparent"):
                with ui.tab_panel("form").classes("p-0"):
                    self._form()
                with ui.tab_panel("preview").classes("p-0"):
                    self.preview = PreviewView(self.visit, self.key, self._typed)
                    self.preview.build()
                if self._is_sent:
                    with ui.tab_panel("sent").classes("p-0"):
                        self.sent.build()
                with ui.tab_panel("history").classes("p-0"):
                    self.history = HistoryView(
                        self.visit, self.shape, lambda: self.state, self._again, self._submit
                    )
                    self.history.build()
            tabs.on_value_change(self._turned)
        ui.timer(SAVED_EVERY, self._save_typed, immediate=False)
        ui.context.client.on_disconnect(self._save_typed)

    async def _let_own_be_saved(self) -> None:
        """Let what the same person typed on this page before a reload, or beside it, be saved first."""
        mine = self.visit.me.staff_id
        own = [each for each in _OPEN if each.key == self.key and each.visit.me.staff_id == mine]
        _OPEN.add(self)
        if own:
            await asyncio.wait([asyncio.create_task(each._save_typed()) for each in own], timeout=PATIENCE)

    async def _turned(self, event: ValueChangeEventArguments[Any]) -> None:
        if event.value == "preview":
            await self.preview.show()
        if event.value == "sent":
            await self.sent.show()
        else:
            self.sent.hide()

    async def _load(self) -> None:
        await self._look()
        opened, described = self.state.opened, self.state.described
        shown = described.data if described else self.state.imported
        self.began, self.version = deepcopy(shown), opened.version if opened else 0
        self._put(shown)
        self.is_dirty = False

    async def _look(self) -> None:
        read = partial(read_state, self.visit.bench.engine, self.key, self.today)
        self.state = await self.visit.doing.look(read) or self.state

    def _put(self, data: Any) -> None:
        """Let the form go on from these data."""
        self.data = deepcopy(data) if isinstance(data, dict) else {"": deepcopy(data)}

    async def _again(self) -> None:
        await self._load()
        await self._redraw()

    async def _redraw(self) -> None:
        for part in (self._top, self._form, self.history.build):
            part.refresh()
        await self.preview.show()

    @property
    def _is_mine(self) -> bool:
        opened = self.state.opened
        return opened is not None and self.visit.me.staff_id in opened.authors

    @ui.refreshable_method
    def _top(self) -> None:
        state = self.state
        named = self._typed() or (state.held.data if state.held else None) or {}
        title = told_table(self.key[1]) if self.key[0] == TABLE else title_of(self.key, named)
        ui.label(title).classes("text-xl font-bold break-words")
        kind = told_kind(self.key[0]) if self.key[0] == TABLE else f"{told_kind(self.key[0])} {self.key[1]}"
        ui.label(" · ".join([kind, *self._told_state()])).classes("text-sm text-grey-8")
        if state.opened and state.opened.is_returned:
            ui.label(say("content.remark", remark=state.opened.remark)).classes(
                f"bg-orange-1 p-2 rounded {LINES}"
            )
        with ui.row().classes("gap-2 items-center"):
            for key, work in (*self._offered(), *self._offered_links()):
                button = ui.button(say(f"content.{key}"), on_click=work).props("no-caps")
                button.props("" if key in ("edit", "bring_back", "submit", "go_review") else "outline")
            self.saved = ui.label("").classes("text-sm text-grey-8").props("role=status")

    def _told_state(self) -> list[str]:
        held, opened = self.state.held, self.state.opened
        told = []
        if held and held.publish_on and held.data is None:
            told.append(say("content.retired_since", day=told_day(held.publish_on)))
        elif held and held.publish_on:
            told.append(say("content.published_since", number=held.id, day=told_day(held.publish_on)))
        elif self.state.imported:
            told.append(say("content.only_imported"))
        else:
            told.append(say("content.never_published"))
        told += [
            say("content.coming", day=told_day(each.publish_on))
            for each in self.state.coming
            if each.publish_on
        ]
        if opened:
            state = "returned" if opened.is_returned else opened.state
            told.append(say(f"content.open_{state}", who=self.state.who(opened.authors)))
        return told

    def _offered(self) -> list[tuple[str, Any]]:
        opened, held = self.state.opened, self.state.held
        if opened is None:
            begin = [("bring_back" if self.state.is_retired else "edit", self._begin)]
            is_served = self.key == ("province", self.visit.bench.assistant.province.id)
            may_retire = held is not None and held.data is not None and not is_served
            return [*begin, ("retire", self._retire)] if may_retire else begin
        if opened.state == "draft":
            save = [("save", self._save_now)] if opened.data is not None else []  # else nothing is typed
            return [*save, ("submit", self._submit), ("drop", self._drop)]
        take_back: list[tuple[str, Any]] = [("take_back", self._take_back)] if self._is_mine else []
        return [*take_back, ("go_review", lambda: ui.navigate.to(f"{PATH}/review"))]

    def _offered_links(self) -> list[tuple[str, Any]]:
        return [("check_links", self._check_links)] if list(links_in(self._typed())) else []

    async def _check_links(self) -> None:
        """Open every address of the record, and say which cannot be opened."""
        if not await self.visit.doing.stays():
            return
        links = list(dict.fromkeys(links_in(self._typed())))
        self.visit.doing.tell(say("content.checking_links", count=len(links)), "info")
        told = await run.io_bound(check_links, links) or {}
        bad = [f"{link}: {why}" for link, why in told.items() if why]
        good = say("content.links_good", count=len(links))
        self.visit.doing.tell("\n".join(bad) if bad else good, "negative" if bad else "positive")

    @ui.refreshable_method
    def _form(self) -> None:
        opened, self.in_field = self.state.opened, None
        if opened and opened.data is None:
            ui.label(say("content.is_taken_away")).classes("text-negative")
            return
        if self._typed() is None:
            ui.label(say("content.not_begun")).classes("text-grey-8 p-2")
            return
        is_open = opened is not None and opened.state == "draft"
        known = {"official_text": self._texts, "province": self._provinces, "audience": self._audiences}
        around = Around(is_open, self._note_typed, self._enter, self._leave, known, self._advise)
        jumps = ui.row().classes("w-full gap-x-3 gap-y-1 flex-nowrap md:flex-wrap overflow-x-auto text-sm")
        places = FormView(self.data, around).build(self._fields())
        if len(places) < FEWEST_TO_JUMP:
            return
        with jumps.props(f'role=navigation aria-label="{say("content.jump")}"'):
            for label, place in places.items():
                link = ui.link(label, place.style("scroll-margin-top: 64px"))
                link.classes("whitespace-nowrap text-primary")

    def _texts(self) -> dict[str, str]:
        """Give the official texts a fee may rest on: those of the record first."""
        basis = self.data.get("legal_basis")
        listed = basis if isinstance(basis, list) else []
        own = {each["number"]: each["title"] for each in listed if each["number"]}
        return {number: f"{number} – {title}" for number, title in {**own, **self.state.texts}.items()}

    def _provinces(self) -> dict[str, str]:
        packs = self.visit.bench.assistant.library.catalogue.provinces
        return {key: pack.name for key, pack in packs.items()}

    def _audiences(self) -> dict[str, str]:
        """Give to whom an announcement may go: everybody, or those who asked about one thing."""
        catalogue = self.visit.bench.assistant.library.catalogue
        asked = {
            **catalogue.procedures.names(),
            **{key: each.title for key, each in catalogue.topics.items()},
        }
        told = {key: say("content.who_asked", what=title) for key, title in asked.items()}
        return {EVERYBODY: say("content.everybody"), **told}

    def _advise(self, fee: dict[str, Any]) -> str:
        held = self.state.held
        return fee_advice(held.data if held else self.state.imported, self.data, fee)

    def _fields(self) -> tuple[FormField, ...]:
        hidden = ("number",) if self.key[0] == "official_text" else ()
        return tuple(field for field in form_of(self.shape) if field.name not in hidden)

    def _note_typed(self) -> None:
        self.is_dirty = True
        self.saved.text = say("content.not_saved_yet")

    def _typed(self) -> Any:
        """Give the record's data as they are typed."""
        return self.data[""] if set(self.data) == {""} else self.data

    def _enter(self, field: int) -> None:
        self.in_field = field

    async def _leave(self, field: int) -> None:
        """Save what was typed in a field; the next one may have been entered already."""
        if self.in_field == field:
            self.in_field = None
        await self._save_typed()

    def _tidied(self) -> Any:
        """Give the data as they are typed in the form in which they are kept."""
        return tidy(plain(self._typed()))

    async def _save_typed(self) -> bool:
        """Save what was typed since the last time; tell whether it is saved."""
        async with self.saving:
            return await self._save_newest()

    async def _save_newest(self) -> bool:
        opened = self.state.opened
        if not self.is_dirty or opened is None:
            return await self._tell_news()
        typed, conflicts = self._tidied(), list[Conflict]()
        kept: list[ContentRevision] = []
        self.is_dirty = False

        def work(session: Session) -> None:
            try:
                kept.append(save(session, opened.id, self.version, self.began, typed, self.visit.me.staff_id))
            except EditRefused as error:
                if error.reason != "conflict":
                    raise
                conflicts.extend(error.conflicts)
                kept.append(session.get_one(ContentRevision, opened.id))

        if not await self.visit.doing.do(work):
            self.is_dirty = True
            return False
        if conflicts and self.in_field is not None:
            self.is_dirty = True  # asked about when the field is left
            return False
        if conflicts:
            return await self._settle(kept[0], conflicts)
        return await self._go_on(kept[0], typed)

    async def _go_on(self, row: ContentRevision, typed: Any) -> bool:
        """Go on from what was saved; a colleague's changes come in when nobody is in a field."""
        self.began, self.has_news = typed, row.data != typed
        if not self.has_news:
            self.version = row.version
        self.saved.text = say("content.not_saved_yet") if self.is_dirty else _told_saved(row)
        return await self._tell_news()

    async def _tell_news(self) -> bool:
        """Draw what a colleague changed, beside what is typed meanwhile."""
        if not self.has_news or self.in_field is not None:
            return True
        await self._look()
        if (row := self.state.opened) is None:
            return True
        both = merge(self.began, row.data, newest := self._tidied())
        if both.conflicts:
            return await self._settle(row, list(both.conflicts))
        self._put(both.data)
        self.is_dirty, self.has_news = newest != self.began, False
        self.began, self.version = deepcopy(row.data), row.version
        await self._redraw()
        self.visit.doing.tell(say("content.merged"), "info")
        self.saved.text = say("content.not_saved_yet") if self.is_dirty else _told_saved(row)
        return True

    async def _settle(self, row: ContentRevision, conflicts: list[Conflict]) -> bool:
        """Show what a colleague wrote in the same fields, and save what is chosen of both."""
        mine = self._tidied()
        conflicts = list(merge(self.began, row.data, mine).conflicts) or conflicts  # of what is typed by now
        settled = await ask_which(self.visit, self.shape, self.began, row.data, mine, conflicts)
        self.is_dirty = True
        if settled is None:
            return False
        self._put(settled)
        self.began, self.version, self.has_news = deepcopy(row.data), row.version, False
        self._form.refresh()
        return await self._save_newest()

    async def _save_now(self) -> None:
        self.in_field = None
        if await self._save_typed():
            self.visit.doing.tell(say("content.all_saved"), "positive")

    async def _begin(self) -> None:
        if await begin_draft(self.visit, self.key, self.state):
            await self._again()

    async def _retire(self) -> None:
        def work(session: Session) -> None:
            note_deed(
                session,
                self.visit,
                "drafted",
                take_away(session, self.key, self.visit.me.staff_id, self.today),
            )

        if await asked(self.visit, say("content.retire_sure")) and await self.visit.doing.do(work):
            await self._again()
            await self._submit()

    async def _drop(self) -> None:
        await self._look()  # a colleague may have written meanwhile
        opened = self.state.opened
        if opened is None:
            return
        question = await self.visit.doing.look(partial(self._asked_drop, opened))
        if question is None or not await asked(self.visit, question, "drop", "keep"):
            return
        was_dirty, self.is_dirty = self.is_dirty, False

        def work(session: Session) -> None:
            for number in with_corrections(session, [lesson_of(session, opened.id)]):
                note_deed(session, self.visit, "dropped", drop(session, number))

        if await self.visit.doing.do(work):
            await self._again()
        else:
            self.is_dirty = was_dirty

    def _asked_drop(self, opened: ContentRevision) -> str:
        """Ask whether a draft is to be dropped; say what and whose words go with it."""
        with reading(self.visit.bench.engine) as session:
            lesson = session.get_one(ContentRevision, lesson_of(session, opened.id))
            if lesson.id != opened.id:
                return say("content.drop_lesson", name=title_of(lesson.record, lesson.data))
        others = [each for each in opened.authors if each != self.visit.me.staff_id]
        return say("content.drop_shared", who=self.state.who(others)) if others else say("content.drop_sure")

    async def _take_back(self) -> None:
        opened = self.state.opened
        if opened is None:
            return

        def work(session: Session) -> None:
            me = self.visit.me.staff_id
            for number in with_corrections(session, [lesson_of(session, opened.id)]):
                give_back(session, number, me, "", goes_along=number != opened.id)

        if await self.visit.doing.do(work):
            await self._again()

    async def _submit(self) -> None:
        """Ask what the change rests on and from when it holds, and hand the draft in."""
        opened, self.in_field = self.state.opened, None
        if opened is None or not await self._save_typed():
            return
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(say("content.submit_title")).classes("text-lg font-bold")
            why, on = ask_why(opened.why)
            troubles = ui.label("").classes(f"text-negative {LINES}").props("role=alert")

            def work(session: Session, settled: Settled) -> None:
                day = date.fromisoformat(on.value) if on.value else None
                me, published = self.visit.me.staff_id, self.visit.bench.published
                numbers = with_corrections(session, [lesson_of(session, opened.id)])
                reason = why.value or ""
                rows = submit(session, published, numbers, me, reason, day, self.today, settled)
                refuse_unfit_examples(published, self.today, rows)
                for row in rows:
                    note_deed(session, self.visit, "submitted", row)

            async def go() -> None:
                if await hand_in(self.visit, work, troubles.set_text):
                    dialog.close()
                    await self._again()

            with ui.row():
                ui.button(say("content.submit"), on_click=go).props("no-caps")
                ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()


def _told_saved(row: ContentRevision) -> str:
    return say("content.saved", at=moment(row.changed_at))
