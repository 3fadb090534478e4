"""Checking that the addresses in a record can be opened, as citizens would."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import requests

from actions.wording import say

AT_ONCE = 8
PATIENCE = 8.0  # seconds for one address
MOST_HOPS = 5


def links_in(data: Any) -> Iterator[str]:
    """Yield every ``url`` of a record."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == "url" and isinstance(value, str) and value:
                yield value
            else:
                yield from links_in(value)
    elif isinstance(data, list):
        for each in data:
            yield from links_in(each)


def check_links(links: Iterable[str], is_public: Callable[[str], bool] | None = None) -> dict[str, str]:
    """Say of each address what is wrong with it; nothing where it opens."""
    links = list(links)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(
            zip(links, pool.map(lambda link: _check(link, is_public or _is_public), links), strict=True)
        )


def _check(link: str, is_public: Callable[[str], bool]) -> str:
    """Open an address, following where it leads; an address inside the office's network is not opened."""
    try:
        for _ in range(MOST_HOPS):
            if not is_public(urlsplit(link).hostname or ""):
                return say("content.link_private")
            with requests.get(link, timeout=PATIENCE, stream=True, allow_redirects=False) as found:
                if found.next is None:
                    status = found.status_code
                    return "" if status < 400 else say("content.link_status", status=status)
                link = found.next.url or ""
    except (requests.RequestException, OSError, ValueError):
        pass
    return say("content.link_unreachable")


def _is_public(host: str) -> bool:
    addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    return all(ipaddress.ip_address(address).is_global for address in addresses)
