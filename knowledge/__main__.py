"""``python -m knowledge check|load|export|import|search|explain``: what is known, and where it is from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress, TaskID
from sqlalchemy import Engine

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError, Fault
from knowledge.database import DatabaseUnavailable, KnowledgeSettings, migrate, open_database
from knowledge.editing.exporting import export_folder
from knowledge.editing.loading import Loaded, load_folder, open_content, refuse_half_written
from knowledge.editing.published import Published
from knowledge.explaining import explain_procedure
from knowledge.library import Library, open_library
from knowledge.portal_files import PortalFileError, PortalRecord, is_list, read_portal_file
from knowledge.revisions import Report, import_records
from knowledge.search import Hit

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
_SHOWN = 20  # codes or doubts that are printed; all are in the file of --report

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
importing = typer.Typer(no_args_is_help=True, help="Import what others publish.")
app.add_typer(importing, name="import")
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day; today when not given")]


@app.callback()
def knowledge() -> None:
    """Check, import and search what the assistant knows."""


@app.command()
def check(
    content: Annotated[Path, typer.Option(help="the content folder")] = CONTENT,
    only: Annotated[str, typer.Option(help="show only faults of files whose path has this")] = "",
) -> None:
    """Read every content file; print each fault as file:line: field: what was expected."""
    refuse_half_written(content)
    catalogue = load_catalogue(content, lenient=True)
    faults = [fault for fault in catalogue.faults if only in str(fault.path)]
    for fault in faults:
        typer.echo(str(fault), err=True)
    typer.echo(
        f"{len(catalogue.procedures)} procedures, {len(catalogue.topics)} topics, "
        f"{len(catalogue.provinces)} province packs, {len(catalogue.official_texts)} official texts; "
        f"{len(faults)} faults"
    )
    raise typer.Exit(1 if faults else 0)


@app.command()
def load(
    content: Annotated[Path, typer.Argument(help="a content folder")] = CONTENT,
    retire: Annotated[bool, typer.Option(help="take away what the folder lacks by now")] = False,
    back: Annotated[bool, typer.Option(help="take over also what a folder said before")] = False,
) -> None:
    """Take over what changed in a content folder since it was last loaded; edited fields stay as they are."""
    engine = _engine()
    found = load_folder(engine, Published(engine), content, _today(), retire=retire, back=back)
    typer.echo(", ".join(f"{count} {fate}" for fate, count in found.counts().items()))
    for line in _left_as_here(found):
        typer.echo(f"  {line}", err=True)
    for key in found.missing:
        typer.echo(f"  {'/'.join(key)}: is not in the folder; --retire takes it away")
    for key in found.older:
        typer.echo(
            f"  {'/'.join(key)}: is older in the folder than what was loaded since; --back takes it over"
        )
    raise typer.Exit(1 if found.conflicts else 0)


def _left_as_here(found: Loaded) -> Iterator[str]:
    for key, conflicts in found.conflicts.items():
        is_held_back = key in found.held_back
        rest = (
            "nothing of the record was taken over" if is_held_back else "the rest of the record is taken over"
        )
        for each in conflicts:
            place = ".".join(map(str, each.place)) or "the whole record"
            yield f"{'/'.join(key)}: {place}: was changed here and in the folder; left as here, {rest}"
    for key, reasons in found.held_back.items():
        yield from (f"{'/'.join(key)}: is held back: {reason}" for reason in reasons)


@app.command()
def export(
    content: Annotated[Path, typer.Argument(help="the content folder to write into")],
    day: Day = None,
) -> None:
    """Write what is published as a content folder; files that say the same already stay as they are."""
    state = Published(_engine()).on(day.date() if day else _today())
    if not state.files:
        raise ContentError(
            [Fault(content, 1, "folder", "nothing is published yet; run python -m knowledge load")]
        )
    unreadable: list[Fault] = []
    done = export_folder(state, content, unreadable)
    for fault in unreadable:
        typer.echo(f"  {fault}; it was unreadable and is written anew", err=True)
    for path in done:
        if not path.exists():
            typer.echo(f"  {path}: is not published, and was removed")
    typer.echo(f"{len(done)} files written or removed, {len(state.files)} in all")


@importing.command()
def national(
    files: Annotated[list[Path], typer.Argument(help="JSON lines (also .gz, .xz) or .xlsx lists")],
    seen_on: Day = None,
    complete: Annotated[
        bool, typer.Option(help="the file is the whole catalogue: retire what it lacks")
    ] = False,
    strict: Annotated[bool, typer.Option(help="stop at the first faulty record instead of skipping")] = False,
    report: Annotated[Path | None, typer.Option(help="write the whole report there as JSON")] = None,
) -> None:
    """Import procedures as the national portal showed them; each file is imported whole or not at all."""
    engine = _engine()
    day = seen_on.date() if seen_on else _today()
    told: list[dict[str, Any]] = []
    for file in files:
        faults: list[str] = []
        found = _import(engine, file, day, faults, complete=complete and not is_list(file), strict=strict)
        told.append({"file": str(file), "faults": faults, **_as_json(found)})
        _tell(file, found, faults)
    if report:
        report.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _import(
    engine: Engine, file: Path, day: date, faults: list[str], *, complete: bool, strict: bool
) -> Report:
    def refuse(fault: str) -> None:
        if strict:
            raise PortalFileError(f"{fault}; nothing of {file.name} was imported (--strict)")
        faults.append(fault)

    with Progress(disable=not sys.stderr.isatty(), transient=True) as bar:
        records = _counted(read_portal_file(file, refuse), bar, bar.add_task(file.name, total=None))
        return import_records(
            engine, records, str(file), day, refuse, complete=complete, listed=is_list(file)
        )


def _counted(records: Iterator[PortalRecord], bar: Progress, task: TaskID) -> Iterator[PortalRecord]:
    for record in records:
        bar.advance(task)
        yield record


def _as_json(found: Report) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in ("new", "changed", "unchanged", "retired", "renamed")},
        "fields": {name: dict(counts) for name, counts in found.fields.items()},
        "doubts": found.doubts,
    }


def _tell(file: Path, found: Report, faults: list[str]) -> None:
    counts = ", ".join(f"{count} {fate}" for fate, count in found.counts().items())
    typer.echo(f"{file.name}: {counts}, {len(faults)} faulty, {len(found.doubts)} doubtful")
    for name, how in found.fields.items():
        typer.echo(f"  {name}: " + ", ".join(f"{how[kind]} {kind}" for kind in sorted(how)))
    for title, lines in (
        ("changed", found.changed),
        ("retired", found.retired),
        ("named otherwise in this list", found.renamed),
        ("doubtful", [f"{code}: {'; '.join(doubts)}" for code, doubts in found.doubts.items()]),
        ("faulty, left out", faults),
    ):
        for line in lines[:_SHOWN]:
            typer.echo(f"  {title}: {line}", err=title == "faulty, left out")
        if len(lines) > _SHOWN:
            typer.echo(f"  {title}: and {len(lines) - _SHOWN} more (--report FILE writes all)")


@app.command()
def search(
    words: Annotated[str | None, typer.Argument(help="a question")] = None,
    file: Annotated[Path | None, typer.Option(help="JSON lines with a question each")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a question")] = False,
) -> None:
    """Rank the procedures that a question may mean; variants of one stand beside it."""
    library = _library()
    for question in [words] if words else _questions(file):
        hits = library.find_procedures(question)[:limit]
        if as_json or file:
            typer.echo(json.dumps(_found(question, hits), ensure_ascii=False))
        else:
            for hit in hits:
                more = f" (+ {', '.join(hit.variants)})" if hit.variants else ""
                typer.echo(f"{hit.key}  {hit.score:.2f}  {library.catalogue.procedures[hit.key].name}{more}")


def _found(question: str, hits: list[Hit[str]]) -> dict[str, Any]:
    return {
        "question": question,
        "codes": [hit.key for hit in hits],
        "found": [{"code": h.key, "score": round(h.score, 3), "variants": h.variants} for h in hits],
    }


def _questions(file: Path | None) -> Iterator[str]:
    if file is None:
        raise typer.BadParameter("give a question, or --file with JSON lines")
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield str(json.loads(line)["question"])
        except (json.JSONDecodeError, KeyError, TypeError):
            raise typer.BadParameter(f'{file}:{number}: is not {{"question": "…"}}') from None


@app.command()
def explain(code: Annotated[str, typer.Argument(help="such as 1.001193")], today: Day = None) -> None:
    """Print each field of a procedure with its revision, source, validity and origin."""
    engine = _engine()
    day = today.date() if today else _today()
    lines = explain_procedure(_library(), engine, code, day)
    if not lines:
        typer.echo(
            f"{code}: no procedure has this code; python -m knowledge search finds one by name", err=True
        )
        raise typer.Exit(1)
    for line in lines:
        typer.echo(line)


def _engine() -> Engine:
    engine = open_database(KnowledgeSettings().database_url)
    migrate(engine)
    return engine


def _library() -> Library:
    engine = _engine()
    published = open_content(engine, KnowledgeSettings().content or CONTENT, _today())
    return open_library(published.on(_today()), engine)


def _today() -> date:
    return datetime.now(HERE).date()


def main() -> None:
    """Run a command; what can be foreseen to go wrong is told in one sentence."""
    try:
        app()
    except (PortalFileError, ContentError, DatabaseUnavailable) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
