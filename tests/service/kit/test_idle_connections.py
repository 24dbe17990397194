"""A connection that uvicorn is about to end is not used again."""

import asyncio

import uvicorn

from services.kit.http import IDLE_S, open_session

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_what_was_idle_is_left_before_the_server_ends_it() -> None:
    assert uvicorn.Config("app").timeout_keep_alive > IDLE_S + 1
    begun = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(ANSWER)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with open_session() as session:
            for pause_s, connections in ((0, 1), (0, 1), (IDLE_S + 0.2, 2)):
                await asyncio.sleep(pause_s)
                async with session.get(url) as answer:
                    assert await answer.text() == "ok"
                assert begun == connections
