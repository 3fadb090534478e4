"""Telegram's refusals, and for how long they last."""

from __future__ import annotations

import time


class Refused(Exception):
    """An answer that is not ok: its HTTP status, what Telegram says, and when to come back."""

    def __init__(
        self, status: int, description: str, retry_after: int | None = None, migrated_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after
        self.migrated_to = migrated_to  # a group's new number
        self.over_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether it has been said, and for as long as it lasts."""
        return self.over_at is not None and time.monotonic() >= self.over_at
