"""An exception that several tasks share is cleaned without ending those that go on."""

from __future__ import annotations

import asyncio

from imagegen_kit.providers.secrecy import cleaned


def test_an_exception_that_others_still_handle_takes_no_task_with_it():
    shared = OSError("one connection for all of them")

    async def fails(secret: str) -> None:
        await asyncio.sleep(0)
        raise shared

    async def caller(number: int) -> int:
        try:
            await fails(f"key of {number}")
        except OSError as error:
            cleaned(error)
            await asyncio.sleep(0.01)  # goes on after the others have cleaned it too
        return number

    async def everybody() -> list[int]:
        return await asyncio.gather(*(caller(number) for number in range(5)))

    assert asyncio.run(everybody()) == [0, 1, 2, 3, 4]
    step, seen = shared.__traceback__, []
    while step is not None:
        if step.tb_frame.f_code.co_name == "fails":
            seen.append(step.tb_frame.f_locals)
        step = step.tb_next
    assert seen
    assert all("secret" not in names for names in seen)
