"""``python -m bot run|serve|chat|ask``: the assistant on the web and Telegram, or in a terminal."""

from __future__ import annotations

import gc
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from bot.console_channel import ask_file, chat_loop, say_reply
from bot.doctor import examine
from bot.hotline.staff import StaffError
from bot.inbox import Message
from bot.intake import BadInput
from bot.logs import set_up_logs
from bot.run import run_all
from bot.settings import HERE, Settings, SettingsError
from bot.sms_numbers import SmsFileError, add_numbers, read_numbers, remove_numbers
from bot.staff_commands import app as staff_app
from bot.start import StartError, build_assistant, catalogue_of, check_port, open_engine, web_app
from bot.turn import Assistant
from knowledge.catalogue import UnknownProvince
from knowledge.content_files import ContentError
from knowledge.database import DatabaseUnavailable, transaction
from knowledge.dossiers import DossierFileError, import_dossiers, open_marks, read_file_settings

# Seconds a thread may keep the interpreter while others want it. A turn gives it back at every statement
# of its transaction, and would wait the usual 5 ms each time while many look-ups are at work.
SWITCH = 0.0005
# How often garbage is looked for: through all that lives, which holds up everybody for 0.3 s while staff have
# fifty pages open, a fifth as often as usual.
GARBAGE = (700, 10, 50)
GRACE = 3  # seconds that open streams are given at the end

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(staff_app, name="staff")
Lenient = Annotated[bool, typer.Option(help="leave out faulty content files instead of stopping")]


@app.callback()
def bot() -> None:
    """Hỏi Một Cửa: the assistant that guides citizens through public services."""


@app.command()
def serve(
    lenient: Lenient = False, telegram: Annotated[bool, typer.Option(help="insist on Telegram")] = False
) -> None:
    """Serve the web page, the API and, when a token is set, Telegram."""
    settings = Settings()
    if telegram and not settings.telegram_token:
        raise StartError("TELEGRAM_TOKEN is not set: ask @BotFather for a token and put it into .env")
    check_port(settings.host, settings.port)
    application = web_app(build_assistant(settings, lenient=lenient), settings)
    typer.echo(f"Hỏi Một Cửa: http://{settings.host}:{settings.port}")
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()  # the knowledge stays: looking through it for garbage holds up questions for 0.1 s
    gc.set_threshold(*GARBAGE)
    uvicorn.run(
        application, host=settings.host, port=settings.port, log_config=None, access_log=False,
        forwarded_allow_ips=settings.trusted_proxies, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip


@app.command()
def run(lenient: Lenient = False) -> None:
    """Start the NLU server and the assistant together; Ctrl-C ends both."""
    raise typer.Exit(run_all(Settings(), ["--lenient"] if lenient else []))


@app.command()
def doctor() -> None:
    """Look at every part that is set up, and say what is wrong and what to do; fails if anything is."""
    is_well = True
    for finding in examine(Settings()):
        typer.echo(str(finding))
        is_well = is_well and not finding.is_bad
    raise typer.Exit(0 if is_well else 1)


@app.command()
def chat(lenient: Lenient = False) -> None:
    """Talk to the assistant in this terminal; an empty line or Ctrl-D ends."""
    chat_loop(_assistant(lenient))


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="one question")] = None,
    file: Annotated[Path | None, typer.Option(help="JSON lines with a text each")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as the API gives it")] = False,
    lenient: Lenient = False,
) -> None:
    """Ask one question, or every question of a JSON-lines file, each in a new conversation."""
    if (question is None) == (file is None):
        raise StartError('ask takes either one question or --file QUESTIONS.jsonl, as in: ask "làm hộ chiếu"')
    assistant = _assistant(lenient)
    if file is not None:
        ask_file(assistant, file)
        return
    reply = assistant.reply(Message("console", question))
    typer.echo(json.dumps(reply.body, ensure_ascii=False) if as_json else say_reply(reply))


@app.command("import-dossiers")
def import_dossier_file(
    file: Annotated[Path, typer.Argument(help="a CSV or xlsx that one-stop software exported")],
    columns: Annotated[Path | None, typer.Option(help="YAML that names the file's columns")] = None,
    exported_at: Annotated[
        datetime | None, typer.Option(help="when the file was true; else when it was last changed")
    ] = None,
) -> None:
    """Read a file of dossiers; keeps nothing of a faulty file, and changes nothing the second time."""
    settings = Settings()
    engine = open_engine(settings)
    marks = open_marks(engine, settings.secret_key.get_secret_value() if settings.secret_key else None)
    names = catalogue_of(settings, engine, lenient=True).status_names
    moment = exported_at.replace(tzinfo=HERE) if exported_at else None
    with transaction(engine) as session:
        report = import_dossiers(session, file, marks, read_file_settings(columns), names, moment)
    typer.echo(
        f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.older} older than what is kept"
    )


@app.command("sms-numbers")
def keep_numbers(
    file: Annotated[Path, typer.Argument(help="a CSV or xlsx with Vietnamese mobile numbers")],
    column: Annotated[
        str | None, typer.Option(help="the column of the numbers, where it is not clear")
    ] = None,
    remove: Annotated[bool, typer.Option(help="forget these numbers instead")] = False,
) -> None:
    """Keep numbers for announcements by SMS, only of people who agreed to it; nothing of a faulty file.

    By importing a number you say that its owner consented to be told announcements of public services, and
    that you can show when and how. Whoever takes it back is removed at once with --remove.
    """
    numbers = read_numbers(file, column)
    with transaction(open_engine(Settings())) as session:
        report = remove_numbers(session, numbers) if remove else add_numbers(session, numbers)
    done, rest = ("removed", "not there") if remove else ("new", "known")
    typer.echo(f"{report.changed} {done}, {report.unchanged} {rest}")


def _assistant(lenient: bool) -> Assistant:
    return build_assistant(Settings(), lenient=lenient)


def main() -> None:
    """Run a command; what can be foreseen to go wrong is told in one sentence."""
    set_up_logs()
    try:
        app()
    except ValidationError as error:
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"])).upper()
            print(f"setting {name}: {detail['msg']} (found {detail['input']!r})", file=sys.stderr)
        sys.exit(2)
    except (
        StartError,
        SettingsError,
        ContentError,
        DatabaseUnavailable,
        BadInput,
        DossierFileError,
        SmsFileError,
        StaffError,
        UnknownProvince,
        OSError,
    ) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
