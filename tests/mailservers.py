"""A mail server that treats each recipient in a way of its own."""

import asyncio
from typing import Any

from tocsin.demo.receivers import Inbox


class Particular(Inbox):
    """*rcpts* and *datas* are replies by address, for as long as they stand there.

    Whoever is in *hangs*, with the stage, waits for an answer until he is taken out. *asked* is who was named.
    """

    def __init__(self) -> None:
        self.rcpts: dict[str, str] = {}
        self.datas: dict[str, str] = {}
        self.hangs: set[tuple[str, str]] = set()
        self.asked: list[str] = []
        super().__init__()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """As it is said for this address."""
        self.asked.append(address)
        await self._hang("rcpt", address)
        if address in self.rcpts:
            return self.rcpts[address]
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """As it is said for the one recipient; who hangs has the mail."""
        (address,) = envelope.rcpt_tos
        if address in self.datas:
            return self.datas[address]
        said = await super().handle_DATA(server, session, envelope)
        await self._hang("data", address)
        return said

    async def _hang(self, stage: str, address: str) -> None:
        while (stage, address) in self.hangs:  # noqa: ASYNC110  # the test is another thread
            await asyncio.sleep(0.01)

    def of(self, address: str) -> list[str]:
        """The subjects of the mails that somebody has."""
        return [mail.subject for mail in self.mails if mail.recipients == (address,)]
