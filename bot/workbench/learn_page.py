"""Unanswered questions at ``/content/learn``: grouped by what they mean, and turned into knowledge."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from nicegui import run, ui
from sqlalchemy import select
from sqlalchemy.orm import Session

import actions
from actions.wording import button as told_intent
from actions.wording import say
from bot.desk.moments import moment
from bot.hotline.proposals import Proposal
from bot.hotline.staff import audit
from bot.workbench.lessons import Teacher, teach_example, teach_name, teach_question, teach_topic
from bot.workbench.list_page import address_of
from bot.workbench.shell import Visit
from bot.workbench.unanswered import GROUPINGS, Asked, AskedGroup, settle, unanswered
from knowledge.database import now, reading
from knowledge.editing.revisions import ContentRevision

MOST_SHOWN = 100  # groups, and ways of asking in one
Lesson = list[ContentRevision]  # what was drafted; nothing for a question that was dismissed


async def learn_page(visit: Visit) -> None:
    """Lay out what there is to learn from."""
    screen = LearnScreen(visit)
    with ui.column().classes("w-full max-w-5xl mx-auto gap-2"):
        ui.label(say("content.learn_hint")).classes("text-sm text-grey-8")
        with ui.row().classes("items-center gap-2").props("role=status") as screen.busy:
            ui.spinner(size="2em")
            ui.label(say("content.grouping")).classes("text-sm text-grey-8")
        screen.trouble = ui.label("").classes("text-negative").props("role=alert")
        screen.build()
    ui.timer(0.1, screen.load, once=True)


class LearnScreen:
    """One browser's view."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.groups: list[AskedGroup] = []
        self.proposals: list[Proposal] = []
        self.busy: ui.row
        self.trouble: ui.label
        self.is_loaded = False

    async def load(self) -> None:
        """Gather the questions, and group them; that may take half a minute."""
        self.busy.visible = True
        if (found := await self.visit.doing.look(self._read)) is None:
            self.busy.visible = False
            return
        asked, self.proposals = found
        words = self.visit.bench.assistant.library.search_words
        try:
            self.groups = await run.io_bound(GROUPINGS.groups, asked, words)  # type: ignore[assignment]
        except BrokenProcessPool:  # it was ended from outside, as for want of memory
            self.trouble.text = say("content.not_grouped")
            return
        finally:
            self.busy.visible = False
        self.is_loaded, self.trouble.text = True, ""
        self.build.refresh()

    def _read(self) -> tuple[list[Asked], list[Proposal]]:
        with reading(self.visit.bench.engine) as session:
            wanted = select(Proposal).where(Proposal.settled_at.is_(None)).order_by(Proposal.id)
            proposals = list(session.scalars(wanted))
            session.expunge_all()
            return unanswered(session), proposals

    @ui.refreshable_method
    def build(self) -> None:
        """Draw the proposals of the hotline, then the groups."""
        if not self.is_loaded:
            return
        for proposal in self.proposals:
            self._proposal(proposal)
        if not self.groups:
            ui.label(say("content.nothing_to_learn")).classes("text-grey-8 p-2")
        for group in self.groups[:MOST_SHOWN]:
            self._group(group)
        if len(self.groups) > MOST_SHOWN:
            ui.label(say("content.and_more", count=len(self.groups) - MOST_SHOWN)).classes("text-sm")

    def _group(self, group: AskedGroup) -> None:
        caption = say("content.asked_times", times=group.times, at=moment(group.last_at))
        if group.useless:
            caption = f"{caption} · {say('content.asked_useless', times=group.useless)}"
        with ui.expansion(group.label, caption=caption).classes(
            "w-full border border-gray-300 rounded"
        ) as box:
            box.props("duration=0")

            def opened(is_open: bool) -> None:
                if is_open and not box.default_slot.children:
                    with box:
                        self._members(group)

            box.on_value_change(lambda event: opened(event.value))

    def _members(self, group: AskedGroup) -> None:
        chosen: dict[str, bool] = {each.text: n == 0 for n, each in enumerate(group.asked)}
        everything = [each.text for each in group.asked]
        with ui.column().classes("w-full gap-0"):
            for each in group.asked[:MOST_SHOWN]:
                text = f"{each.text} ({each.times})" if each.times > 1 else each.text
                ui.checkbox(
                    text,
                    value=chosen[each.text],
                    on_change=lambda event, one=each.text: chosen.update({one: event.value}),
                ).props("dense")

        def picked() -> list[str]:
            return [text for text in everything if chosen[text]]

        with ui.row().classes("gap-2 mt-2"):
            ui.button(say("content.as_name"), on_click=partial(self._name, picked)).props("no-caps")
            ui.button(say("content.as_question"), on_click=partial(self._question, picked)).props(
                "no-caps outline"
            )
            ui.button(say("content.as_example"), on_click=partial(self._example, picked)).props(
                "no-caps outline"
            )
            ui.button(say("content.as_topic"), on_click=partial(self._topic, picked)).props("no-caps outline")
            title = say("content.dismiss_group", count=len(everything))
            ui.button(title, on_click=partial(self._dismiss, everything)).props("no-caps flat")

    def _teacher(self) -> Teacher:
        bench = self.visit.bench
        return Teacher(bench.published, self.visit.me.staff_id, bench.settings.content_day())

    def _procedures(self, texts: list[str], *, is_own: bool) -> dict[str, str]:
        """Offer procedures: those that the first text may mean, then all the others by name."""
        library = self.visit.bench.assistant.library
        procedures = library.catalogue.procedures
        names = {
            code: name
            for code, name in procedures.names().items()
            if not is_own or code in procedures.written
        }
        likely = [hit.key for hit in library.find_procedures(texts[0])] if texts else []
        ordered = dict.fromkeys([*(code for code in likely if code in names), *names])
        return {code: f"{names[code]} ({code})" for code in ordered}

    def _name(self, picked: Callable[[], list[str]]) -> None:
        options = self._procedures(picked(), is_own=True)

        def work(session: Session, code: Any) -> Lesson:
            return teach_name(session, self._teacher(), code, picked())

        self._ask(say("content.as_name"), say("content.which_procedure"), options, work)

    def _question(self, picked: Callable[[], list[str]]) -> None:
        options = self._procedures(picked(), is_own=False)

        def work(session: Session, code: Any) -> Lesson:
            names = self.visit.bench.assistant.library.catalogue.procedures.names()
            return teach_question(session, self._teacher(), code, names[code], picked())

        self._ask(say("content.as_question"), say("content.which_procedure"), options, work)

    def _example(self, picked: Callable[[], list[str]]) -> None:
        options = {intent: f"{told_intent(intent)} ({intent})" for intent in actions.ACTIONS}

        def work(session: Session, intent: Any) -> Lesson:
            return teach_example(session, self._teacher(), intent, picked())

        self._ask(say("content.as_example"), say("content.which_intent"), options, work)

    def _topic(self, picked: Callable[[], list[str]]) -> None:
        def work(session: Session, topic: Any) -> Lesson:
            texts = picked()
            return teach_topic(session, self._teacher(), topic, texts[0] if texts else topic, texts)

        self._ask(
            say("content.as_topic"),
            say("content.new_key"),
            None,
            work,
            lambda key: address_of(("topic", key)),
        )

    def _dismiss(self, texts: list[str]) -> None:
        def work(session: Session, why: Any) -> Lesson:
            settle(session, texts, "dismissed", why or "", self.visit.me.staff_id)
            return []

        self._ask(say("content.dismiss"), say("content.dismiss_why"), None, work)

    def _ask(
        self,
        title: str,
        label: str,
        options: dict[str, str] | None,
        work: Callable[[Session, Any], Lesson],
        then: Callable[[str], str] | None = None,
    ) -> None:
        """Ask for one thing, chosen or typed, and do the work with it."""
        lessons: list[Lesson] = []
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(title).classes("text-lg font-bold")
            if options is None:
                box: Any = ui.input(label).props("outlined autofocus").classes("w-full")
            else:
                box = ui.select(options, label=label, with_input=True)
                box.props("outlined").classes("w-full")
            trouble = (
                ui.label("").classes("text-negative whitespace-pre-wrap break-words").props("role=alert")
            )

            def done(session: Session) -> None:
                lessons.append(work(session, box.value))
                audit(session, self.visit.me.staff_id, "content_learned", str(box.value)[:80])

            async def go() -> None:
                if options is not None and not box.value:
                    trouble.set_text(say("content.choose_one"))
                elif await self.visit.doing.do(done, told=trouble.set_text):
                    dialog.close()
                    is_open = any(row.state == "draft" for row in lessons[-1])
                    key = "learned_in_draft" if is_open else "learned" if lessons[-1] else "dismissed"
                    self.visit.doing.tell(say(f"content.{key}"), "positive")
                    if then:
                        ui.navigate.to(then(box.value))
                    else:
                        await self.load()

            with ui.row():
                ui.button(say("content.learn_do"), on_click=go).props("no-caps")
                ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    def _proposal(self, proposal: Proposal) -> None:
        with ui.card().props("flat bordered").classes("w-full gap-1"):
            ui.label(say("content.proposal", at=moment(proposal.at))).classes("text-sm text-grey-8")
            ui.label(proposal.question).classes("font-bold break-words")
            ui.label(proposal.answer).classes("whitespace-pre-wrap break-words")
            for source in proposal.sources:
                number = f"{source['number']}: " if source.get("number") else ""
                ui.label(f"{number}{source['title']}").classes("text-sm text-grey-8 break-words")
            with ui.row().classes("gap-2"):
                ui.button(say("content.as_topic"), on_click=partial(self._topic_of, proposal)).props(
                    "no-caps"
                )
                ui.button(
                    say("content.dismiss"), on_click=partial(self._dismiss_proposal, proposal.id)
                ).props("no-caps flat")

    def _topic_of(self, proposal: Proposal) -> None:
        """Begin a topic with the proposed answer, and the sources that are official texts."""
        known = self.visit.bench.assistant.library.catalogue.official_texts
        numbers = [each["number"] for each in proposal.sources if each.get("number") in known]

        def work(session: Session, topic: Any) -> Lesson:
            session.get_one(Proposal, proposal.id).settled_at = now()
            return teach_topic(
                session,
                self._teacher(),
                topic,
                proposal.question,
                [proposal.question],
                proposal.answer,
                numbers,
            )

        self._ask(
            say("content.as_topic"),
            say("content.new_key"),
            None,
            work,
            lambda key: address_of(("topic", key)),
        )

    def _dismiss_proposal(self, number: int) -> None:
        def work(session: Session, why: Any) -> Lesson:
            proposal = session.get_one(Proposal, number)
            settle(session, [proposal.question], "dismissed", why or "", self.visit.me.staff_id)
            proposal.settled_at = now()
            return []

        self._ask(say("content.dismiss"), say("content.dismiss_why"), None, work)
