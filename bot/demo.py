"""The demonstration of ``make run``: made-up dossiers, where no real system of dossiers is set."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from sqlalchemy import select

from bot.settings import Settings
from bot.start import StartError, catalogue_of, open_engine
from knowledge.database import reading
from knowledge.dossiers import DossierState

SERVER = "tests.servers.one_stop"
EXAMPLES = 3


@dataclass(frozen=True)
class Demo:
    """A running server of made-up dossiers, and how the assistant reaches it."""

    process: subprocess.Popen[bytes]
    settings: dict[str, str]
    examples: tuple[str, ...]

    def tell(self) -> None:
        """Print codes to try, each with the four characters that prove it."""
        head = "\nHồ sơ là DỮ LIỆU THỬ, không phải hồ sơ thật. Mã hồ sơ và 4 số cuối để thử:"
        print(head, *(f"  {example}" for example in self.examples), sep="\n", file=sys.stderr, flush=True)


def needs_demo(settings: Settings) -> bool:
    """Tell whether dossiers are to be made up: it is wished, the server is there, and nothing real is."""
    if not settings.dossier_demo or settings.national_api_url or settings.one_stop_api_url:
        return False
    try:
        has_server = find_spec(SERVER) is not None
    except ModuleNotFoundError:  # installed without the tests
        return False
    with reading(open_engine(settings)) as session:
        has_imported = session.scalar(
            select(DossierState.code).where(DossierState.source == "files").limit(1)
        )
    return has_server and has_imported is None


def start_demo(settings: Settings) -> Demo:
    """Start the server on a port that it chooses; raises StartError."""
    province = catalogue_of(settings, open_engine(settings), lenient=True).province(settings.province)
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", SERVER, "--unit", province.unit_code or "H62"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout  # noqa: S101 - it is a pipe
    lines = [process.stdout.readline().decode().strip() for _ in range(EXAMPLES + 1)]
    if not all(lines):
        raise StartError("the demonstration's server of dossiers did not start; set DOSSIER_DEMO=false")
    url, *examples = lines
    told = {
        "NATIONAL_API_URL": url,
        "NATIONAL_API_DSTCODE": "VN:COM:DEMO",
        "NATIONAL_API_UNIT": "H62",
        "NATIONAL_API_USERNAME": "hoi-mot-cua",
        "NATIONAL_API_PASSWORD": "made-up",
        "ONE_STOP_API_URL": url,
        "ONE_STOP_TOKEN_URL": f"{url}/token",
        "ONE_STOP_CLIENT_ID": "hoi-mot-cua",
        "ONE_STOP_CLIENT_SECRET": "made-up",
        "DOSSIERS_MADE_UP": "true",
    }
    return Demo(process, told, tuple(examples))
