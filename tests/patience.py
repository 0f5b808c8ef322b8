"""How a test waits for what the product does by itself: by looking again and again, and not for ever."""

import asyncio
from collections.abc import Callable

from tests.servers import PATIENCE


async def until(is_so: Callable[[], bool]) -> None:
    """Go on as soon as *is_so*."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - nothing that could be awaited says it
            await asyncio.sleep(0.001)
