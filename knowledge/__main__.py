"""``python -m knowledge check``: read every content file and name each fault."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from knowledge.catalogue import load_catalogue
from knowledge.content_files import CONTENT

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def knowledge() -> None:
    """Check what the assistant knows."""


@app.command()
def check(
    content: Annotated[Path, typer.Option(help="the content folder")] = CONTENT,
    only: Annotated[str, typer.Option(help="show only faults of files whose path has this")] = "",
) -> None:
    """Read every content file; print each fault as file:line: field: what was expected."""
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


if __name__ == "__main__":
    app()
