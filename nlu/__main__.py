"""``python -m nlu check|train|serve|test``: the data, the model and its server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nlu import training
from nlu.bench.data import DataSet, read_data, read_questions
from nlu.contract import ROOT, find_faults
from nlu.data_files import DataFileError, read_folder

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
    data: Annotated[
        Path | None, typer.Option(help="any folder of Rasa YAML; this project's when not given")
    ] = None,
    results: Annotated[Path, typer.Option(help="where the report goes")] = ROOT / "results/understanding",
    only: Annotated[
        list[str] | None, typer.Option(help="ours, Bürokratt or Rasa's default; may be repeated")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="of the cross-validation")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="of the cross-validation, each with other folds")] = 1,
    samples: Annotated[int, typer.Option(min=1, help="of few sentences, of each size")] = 2,
    minutes: Annotated[float, typer.Option(help="the most that one part of one pipeline may take")] = 30.0,
    most: Annotated[int | None, typer.Option(min=2, help="sentences an intent to learn; else all")] = None,
) -> None:
    """Measure how well and how fast sentences are understood, beside Bürokratt's and Rasa's own pipelines."""
    from nlu.bench import report, run, trials  # draws pictures: matplotlib is there for developers only

    if unknown := set(only or ()) - set(trials.PIPELINES):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(trials.PIPELINES)}")
    plan = run.Plan(tuple(only or trials.PIPELINES), folds, repeats, samples, minutes, most)
    measured = run.run(
        read_data(data) if data else _own_data(), plan, results, lambda said: typer.echo(said, err=True)
    )
    typer.echo(report.write_report(measured, results))


def _own_data() -> DataSet:
    """Give the sentences that the model is trained on, and the project's held-out ones."""
    folder = training.CACHE / "data"
    training.write_data(folder)
    files = sorted(folder.glob("*.yml"))
    held_out = read_folder(ROOT / "tests/held_out")
    questions = read_questions(ROOT / "tests/two_questions.yml", "held_out")
    return DataSet("Hỏi Một Cửa", read_folder(folder), held_out, files, questions)


def main() -> None:
    """Run a command; what can be foreseen to go wrong is told in one sentence."""
    try:
        app()
    except (training.RasaError, DataFileError, OSError) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
