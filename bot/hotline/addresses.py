"""Addresses to which secrets may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

OWN_MACHINE = ("127.0.0.1", "localhost")


def is_private(address: object) -> bool:
    """Tell whether nobody can listen on the way to an address: it is https, or this machine."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE)
    )
