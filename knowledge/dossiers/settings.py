"""The settings of dossiers: which systems are asked, as whom, and how many guesses are let through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from limits import parse
from pydantic import Field, SecretStr, field_validator, model_validator
from sqlalchemy import Engine

from knowledge.database import KnowledgeSettings
from knowledge.dossiers.desk import Desk, Limits
from knowledge.dossiers.guesses import Refusal
from knowledge.dossiers.marks import open_marks
from knowledge.dossiers.national import NationalAccess, NationalSource
from knowledge.dossiers.one_stop import OneStopAccess, OneStopSource
from knowledge.dossiers.sources import Source


class DossierSettings(KnowledgeSettings):
    """Which systems are asked: each whose address is set, besides the files that were imported."""

    secret_key: SecretStr | None = Field(
        None, description="the key that hides numbers; empty: one is made and kept in the database"
    )
    national_api_url: str | None = Field(
        None, description="the national integration API's base address; empty leaves it out"
    )
    national_api_auth: str = Field("/auth", description="its path for signing in")
    national_api_endpoint: str = Field("/endpoint", description="its path for services")
    national_api_dstcode: str = Field("", description="its header dstcode")
    national_api_unit: str = Field("", description="its field madonvi: the unit that asks")
    national_api_username: str = Field("", description="its user name")
    national_api_password: SecretStr = Field(SecretStr(""), description="its password")
    one_stop_api_url: str | None = Field(
        None, description="the gateway of the province's one-stop system (iGate kind); empty leaves it out"
    )
    one_stop_token_url: str = Field("", description="where its tokens are given (OAuth 2 client credentials)")
    one_stop_client_id: str = Field("", description="its client id")
    one_stop_client_secret: SecretStr = Field(SecretStr(""), description="its client secret")
    one_stop_factors: str = Field(
        "applicant.data.phoneNumber,applicant.data.identityNumber",
        description="where its replies hold the phone and identity number that prove whose a dossier is",
    )
    dossier_fresh_seconds: int = Field(
        60, ge=0, description="a state no older than this is told without asking the source again"
    )
    look_ups_per_person: str = Field("10/hour", description="look-ups of new or wrong codes for one person")
    look_ups_per_network: str = Field(
        "100/hour", description="the same for one network address on the web, which many people may share"
    )
    look_ups_per_channel: str = Field("1000/hour", description="wrong look-ups for one channel")
    look_ups_overall: str = Field("2000/hour", description="wrong look-ups for all channels together")
    dossiers_made_up: bool = Field(False, description="the data are a demonstration's; every answer says so")

    @field_validator(
        "look_ups_per_person", "look_ups_per_network", "look_ups_per_channel", "look_ups_overall"
    )
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        return checked_rate(value)

    @model_validator(mode="after")
    def _has_what_each_source_needs(self) -> DossierSettings:
        if self.national_api_url and not self.national_api_username:
            raise ValueError("NATIONAL_API_URL is set, but not NATIONAL_API_USERNAME")
        if self.one_stop_api_url and not (self.one_stop_token_url and self.one_stop_client_id):
            raise ValueError("ONE_STOP_API_URL is set, but not ONE_STOP_TOKEN_URL and ONE_STOP_CLIENT_ID")
        return self


def checked_rate(value: str) -> str:
    """Check a rate such as ``60/minute``; raises ValueError."""
    try:
        parse(value)
    except ValueError:
        raise ValueError("write a number and a time, such as 60/minute") from None
    return value


def open_desk(
    settings: DossierSettings,
    engine: Engine,
    status_names: Callable[[], Mapping[str, int]],
    tell_staff: Callable[[Refusal], None] = lambda _: None,
) -> Desk:
    """Open the desk with the sources that are set; nothing is asked yet."""
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    marks = open_marks(engine, key)
    sources: list[Source] = []
    if settings.national_api_url:
        sources.append(NationalSource(_national_access(settings), marks))
    if settings.one_stop_api_url:
        sources.append(OneStopSource(_one_stop_access(settings), marks, status_names))
    limits = Limits(
        parse(settings.look_ups_per_person),
        parse(settings.look_ups_per_network),
        parse(settings.look_ups_per_channel),
        parse(settings.look_ups_overall),
    )
    fresh = timedelta(seconds=settings.dossier_fresh_seconds)
    return Desk(
        engine,
        sources,
        marks,
        limits,
        fresh=fresh,
        is_made_up=settings.dossiers_made_up,
        tell_staff=tell_staff,
    )


def _national_access(settings: DossierSettings) -> NationalAccess:
    return NationalAccess(
        base=(settings.national_api_url or "").rstrip("/"),
        auth=settings.national_api_auth,
        endpoint=settings.national_api_endpoint,
        dstcode=settings.national_api_dstcode,
        unit=settings.national_api_unit,
        username=settings.national_api_username,
        password=settings.national_api_password,
    )


def _one_stop_access(settings: DossierSettings) -> OneStopAccess:
    return OneStopAccess(
        gateway=(settings.one_stop_api_url or "").rstrip("/"),
        token_url=settings.one_stop_token_url,
        client_id=settings.one_stop_client_id,
        client_secret=settings.one_stop_client_secret,
        factors=tuple(path.strip() for path in settings.one_stop_factors.split(",") if path.strip()),
    )
