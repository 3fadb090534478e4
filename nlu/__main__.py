"""``python -m nlu check|train|serve|test``: the data, the model and its server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nlu import training
from nlu.contract import ROOT, find_faults
from nlu.data_files import DataFileError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def nlu() -> None:
    """Understand citizens' Vietnamese."""


@app.command()
def check(root: Annotated[Path, typer.Option(help="the project's folder")] = ROOT) -> None:
    """Hold data, held-out sentences, actions and wording against nlu/intents.yml (no Rasa needed)."""
    faults = find_faults(root)
    for fault in faults:
        typer.echo(fault, err=True)
    typer.echo(f"nlu: {len(faults)} faults")
    raise typer.Exit(1 if faults else 0)


@app.command()
def train() -> None:
    """Train the model unless one for the present data is there."""
    typer.echo(training.train())


@app.command()
def serve(port: Annotated[int, typer.Option(help="the port on 127.0.0.1")] = training.PORT) -> None:
    """Serve the model on loopback (trains it first when it is not there)."""
    command = training.server_command(training.train(), port)
    os.chdir(ROOT)
    os.execve(command[0], command, training.environment())  # noqa: S606  (our own command)


@app.command()
def test(
    held_out: Annotated[Path, typer.Option(help="sentences in Rasa's format")] = ROOT / "tests/held_out",
    results: Annotated[Path, typer.Option(help="where the reports go")] = ROOT / "results",
) -> None:
    """Measure the model on held-out sentences with ``rasa test nlu``."""
    typer.echo(json.dumps(training.test(held_out, results), indent=2))


def main() -> None:
    """Run a command; what can be foreseen to go wrong is told in one sentence."""
    try:
        app()
    except (training.RasaError, DataFileError, OSError) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
