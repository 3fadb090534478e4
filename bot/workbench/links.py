"""Checking that the addresses in a record can be opened, as citizens would.

What is typed leads only out of the office: each name is looked up once, every address it has must belong to
the Internet, and the address that was checked is the one that is opened, also after each redirection.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address
from socket import SOCK_STREAM
from typing import Any

import httpx

from actions.wording import say

ADDRESSES = ("url", "link")  # fields that hold one
IN_TEXT = re.compile(r"\]\((https?://[^\s)]+)\)")  # [name](address)
AT_ONCE = 8
MOST_HOPS = 5
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that is routed so far


class _Refused(Exception):
    """An address is not opened; the text says why."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the Internet, and leads to no other inside it."""
    found = ip_address(address)
    if found.version == 6:
        return found.is_global and found in GLOBAL_UNICAST and found.sixtofour is None
    return found.is_global and not found.is_multicast


async def resolve(host: str, port: int) -> list[str]:
    """Look up the IP addresses of a name; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Opening:
    """How addresses are opened, and how many seconds it may take: ``each`` of them, and ``all_links``."""

    is_public: Callable[[str], bool] = is_public
    resolve: Callable[[str, int], Awaitable[list[str]]] = resolve
    each: float = 8.0
    all_links: float = 60.0
    most: int = 100
    trusted: ssl.SSLContext | None = None  # whose certificates are; the usual authorities'


def links_in(data: Any) -> Iterator[str]:
    """Yield every address of a record: its links, and those in its texts."""
    if isinstance(data, str):
        yield from IN_TEXT.findall(data)
    elif isinstance(data, dict):
        for name, value in data.items():
            if name in ADDRESSES and isinstance(value, str):
                yield from filter(None, (value,))
            else:
                yield from links_in(value)
    elif isinstance(data, list):
        for each in data:
            yield from links_in(each)


def check_links(links: Iterable[str], opening: Opening | None = None) -> dict[str, str]:
    """Say of each address what is wrong with it; nothing where it opens."""
    return asyncio.run(_check_all(list(dict.fromkeys(links)), opening or Opening()))


async def _check_all(links: list[str], opening: Opening) -> dict[str, str]:
    turns = asyncio.Semaphore(AT_ONCE)
    trusted = opening.trusted or httpx.create_ssl_context(trust_env=False)

    async def check(link: str) -> str:
        async with turns:
            return await _check(link, opening, trusted)

    skipped = say("content.link_skipped", most=opening.most, seconds=round(opening.all_links))
    told = dict.fromkeys(links, skipped)
    tasks = {asyncio.create_task(check(link)): link for link in links[: opening.most]}
    if tasks:
        done, late = await asyncio.wait(tasks, timeout=opening.all_links)
        told |= {tasks[task]: task.result() for task in done}
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return told


async def _check(link: str, opening: Opening, trusted: ssl.SSLContext) -> str:
    try:
        async with asyncio.timeout(opening.each):
            status = await _status(link, opening, trusted)
    except _Refused as refused:
        return str(refused)
    except (httpx.HTTPError, OSError, UnicodeError):  # OSError: also no such name, and too slow
        return say("content.link_unreachable")
    return "" if status < 400 else say("content.link_status", status=status)


async def _status(link: str, opening: Opening, trusted: ssl.SSLContext) -> int:
    """Open an address, and where it leads; give the last status. Of what it gives only the head is read."""
    async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=opening.each) as client:
        url = _read(link)
        for _ in range(MOST_HOPS):
            async with aclosing(await _opened(client, url, opening)) as found:
                if not found.has_redirect_location:
                    return found.status_code
                url = _read(found.headers["location"], url)
    raise _Refused(say("content.link_unreachable"))


def _read(link: str, on: httpx.URL | None = None) -> httpx.URL:
    """Read an address, as it stands ``on`` a page; one that browsers read in another way is refused."""
    try:
        url = on.join(link) if on else httpx.URL(link)
    except httpx.InvalidURL:
        raise _Refused(say("content.link_odd")) from None
    is_of_web = url.scheme in ("http", "https") and url.raw_host and 0 < (url.port or 80) < 65_536
    if not is_of_web or url.userinfo or "\\" in link:
        raise _Refused(say("content.link_odd"))
    return url


async def _opened(client: httpx.AsyncClient, url: httpx.URL, opening: Opening) -> httpx.Response:
    """Open the first address of a name that answers, under that name; each has to be public."""
    host = url.raw_host.decode()
    addresses = await opening.resolve(host, url.port or (443 if url.scheme == "https" else 80))
    if not all(map(opening.is_public, addresses)):
        raise _Refused(say("content.link_private"))
    trouble: httpx.ConnectError | None = None
    for address in addresses:
        request = client.build_request(
            "GET", url.copy_with(host=address),
            headers={"Host": url.netloc.decode()}, extensions={"sni_hostname": host},
        )  # fmt: skip
        try:
            return await client.send(request, stream=True)
        except httpx.ConnectError as error:
            trouble = error
    raise trouble or OSError(f"{host} has no address")
