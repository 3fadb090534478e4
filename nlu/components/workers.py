"""The server's processes, which change the model together.

A request to change it reaches one of them. That one tells the others over datagram sockets, one a process, in
a folder that lives as long as the server: first each loads the model, and when all have it, each serves it.

WorkerFault
└── a process did not do what it was told in time; says which
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, AsyncIterator, Dict, List, Sequence, Set, Tuple

from nlu.components.loading import ModelFault
from nlu.components.serving import Serving

PATIENCE = 40.0  # seconds that all processes may take to load a model
_LIVENESS = 1.0  # seconds between two looks whether who has not answered is alive
_LONGEST = 65_536  # bytes of a datagram
_RESOLUTION = 0.02  # seconds between two looks for processes that are still starting


class WorkerFault(Exception):
    """A process of the server that did not do what it was told."""


class Workers:
    """One process's seat among ``size`` that share a folder; ``join`` is called in each once it runs."""

    def __init__(self, serving: Serving, folder: Path, size: int) -> None:
        self._serving = serving
        self._folder = folder
        self._size = size
        self._numbers = count(1)
        self._awaited: Dict[Tuple[int, str], asyncio.Future[str | None]] = {}
        self._tasks: Set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        """Take this process's place, from where it can be told things."""
        self._name = f"{os.getpid()}.worker"
        self._thread = ThreadPoolExecutor(1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._folder / self._name))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._hear)

    async def change(self, model: Path) -> None:
        """Serve another model in every process.

        Raises ModelFault when it cannot be served and WorkerFault when a process does not answer; the model
        that was served goes on then.
        """
        async with self._alone():
            names = await self._names()
            try:
                await self._tell(names, "load", model)
            except (ModelFault, WorkerFault):
                self._send_all(names, "forget", model)
                raise
            await self._tell(names, "serve", model)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keep changes that reach several processes at once one after the other."""
        with (self._folder / "changing").open("w") as file:
            await asyncio.get_running_loop().run_in_executor(None, fcntl.flock, file, fcntl.LOCK_EX)
            yield

    async def _names(self) -> List[str]:
        """Give the names of all processes, waiting for those that are still starting."""
        for _ in range(int(PATIENCE / _RESOLUTION)):
            found = sorted(path.name for path in self._folder.glob("*.worker"))
            if len(found) >= self._size:
                return found
            await asyncio.sleep(_RESOLUTION)
        raise WorkerFault(f"only {len(found)} of {self._size} processes have started")

    async def _tell(self, names: Sequence[str], order: str, model: Path) -> None:
        """Give an order to processes and wait until each that lives has carried it out."""
        awaited, deadline = self._send_all(names, order, model), time.monotonic() + PATIENCE
        while late := {name: answer for name, answer in awaited.items() if self._is_awaited(name, answer)}:
            if time.monotonic() > deadline:
                raise WorkerFault(f"{order} {model.name}: no answer from {', '.join(late)}")
            await asyncio.wait(late.values(), timeout=_LIVENESS)
        answers = [answer.result() for answer in awaited.values() if answer.done()]
        if faults := [fault for fault in answers if fault]:
            raise ModelFault(faults[0])

    def _is_awaited(self, name: str, answer: asyncio.Future[str | None]) -> bool:
        """Tell whether a process that lives still owes an answer; it may have died after it was told."""
        return not answer.done() and self._send(name, {})

    def _send_all(
        self, names: Sequence[str], order: str, model: Path
    ) -> Dict[str, asyncio.Future[str | None]]:
        """Give an order to processes; give the coming answers of those that live."""
        number = next(self._numbers)
        message = {"order": order, "model": str(model), "number": number, "from": self._name}
        sent = [name for name in names if self._send(name, message)]
        loop = asyncio.get_running_loop()
        answers = {name: loop.create_future() for name in sent}
        self._awaited = {(number, name): answer for name, answer in answers.items()}
        return answers

    def _send(self, name: str, message: Dict[str, Any]) -> bool:
        """Send to a process; tell whether it lives."""
        try:
            self._socket.sendto(json.dumps(message).encode(), str(self._folder / name))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:  # it has much to read, as after many empty messages
            pass
        return True

    def _hear(self) -> None:
        message = json.loads(self._socket.recv(_LONGEST))
        if "order" in message:
            task = asyncio.get_running_loop().create_task(self._obey(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif answer := self._awaited.pop((message.get("number"), message.get("from")), None):
            answer.set_result(message["fault"])

    async def _obey(self, message: Dict[str, Any]) -> None:
        """Carry out an order in this process and answer whoever gave it."""
        fault = None
        try:
            await self._carry_out(message["order"], Path(message["model"]))
        except ModelFault as error:
            fault = str(error)
        self._send(message["from"], {"number": message["number"], "from": self._name, "fault": fault})

    async def _carry_out(self, order: str, model: Path) -> None:
        if order == "load":
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._serving.load, model)
        elif order == "serve":
            self._serving.take_next()
        else:
            self._serving.forget_next()
