"""The seam of dossiers: one model, whatever system it is from, looked up safely by code.

``Desk`` asks the sources that are set (``national``, ``one_stop``) beside imported ``files``; ``deadline``
counts working days. Nothing outside this package knows which system a dossier is from.
"""

from knowledge.dossiers.deadlines import Deadline, deadline
from knowledge.dossiers.desk import Desk, Limits, LookUp, Seeker, Sighting, Wanted
from knowledge.dossiers.dossier import (
    CLOSED,
    ENDED,
    FINISHED,
    HERE,
    PAYMENT,
    RECEIVED,
    SUPPLEMENT,
    Dossier,
    Fee,
    State,
    Step,
    Supplement,
)
from knowledge.dossiers.files import DossierFileError, ImportReport, import_dossiers, read_file_settings
from knowledge.dossiers.guesses import Refusal, forget_guesses
from knowledge.dossiers.marks import Marks, open_marks
from knowledge.dossiers.settings import DossierSettings, checked_rate, open_desk
from knowledge.dossiers.sources import Source, SourceDown
from knowledge.dossiers.states import DossierState, forget_states, keep_states

__all__ = [
    "CLOSED",
    "ENDED",
    "FINISHED",
    "HERE",
    "PAYMENT",
    "RECEIVED",
    "SUPPLEMENT",
    "Deadline",
    "Desk",
    "Dossier",
    "DossierFileError",
    "DossierSettings",
    "DossierState",
    "Fee",
    "ImportReport",
    "Limits",
    "LookUp",
    "Marks",
    "Refusal",
    "Seeker",
    "Sighting",
    "Source",
    "SourceDown",
    "State",
    "Step",
    "Supplement",
    "Wanted",
    "checked_rate",
    "deadline",
    "forget_guesses",
    "forget_states",
    "import_dossiers",
    "keep_states",
    "open_desk",
    "open_marks",
    "read_file_settings",
]
