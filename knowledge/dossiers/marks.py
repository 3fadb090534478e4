"""Marks: what stands for a code, a person or a proving number where the thing itself must not be kept."""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256

from sqlalchemy import Engine, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, reading, transaction

_NAME = "marks"


class StoredKey(Base):
    """A random key made at the first start, where no SECRET_KEY is set."""

    __tablename__ = "stored_keys"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(64))


class Marks:
    """Keyed digests (HMAC-SHA-256), so that what was marked cannot be found by trying without the key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, kind: str, value: str) -> str:
        """Give the mark (32 hexadecimal digits) of a value; the same value of another kind has another."""
        return hmac.new(self._key, f"{kind}\0{value}".encode(), sha256).hexdigest()[:32]

    def of_factor(self, code: str, number: str) -> str | None:
        """Give the mark of a number's last four characters on this dossier; none of a shorter one."""
        tail = re.sub(r"[^0-9A-Za-z]", "", number)[-4:].upper()
        return self.of(f"factor {code}", tail) if len(tail) == 4 else None

    def proves(self, code: str, factor: str, known: tuple[str, ...]) -> bool:
        """Tell in constant time whether the factor is one of the known marks (at most four are looked at)."""
        given = self.of_factor(code, factor) or ""
        padded = (*known, *("-" * 32,) * 4)[:4]
        return sum(hmac.compare_digest(given, mark) for mark in padded) > 0


def open_marks(engine: Engine, key: str | None) -> Marks:
    """Use the key that was set, else the one kept in the database, made when there is none."""
    if key:
        return Marks(key)
    stored = select(StoredKey.value).where(StoredKey.name == _NAME)
    with reading(engine) as session:
        known = session.scalar(stored)
    if known:
        return Marks(known)
    try:
        with transaction(engine) as session:
            session.add(StoredKey(name=_NAME, value=secrets.token_hex(32)))
    except IntegrityError:  # another process was first
        pass
    with reading(engine) as session:
        return Marks(str(session.scalar(stored)))
