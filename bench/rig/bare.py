"""The least that could stand where the gateway does: a fan-out of the same five calls on aiohttp and nothing else.

`python -m bench.rig.bare PORT` reads one JSON line from standard input (`token`, `urls`, `limit`) and serves POST /.
No validation, no deadline, no token of its own, no breaker, no metrics, no log. It splices bytes and reads no answer
but the two that the second stage is told.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Bare:
    """The five calls. `urls` by service."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]

    async def compose(self, question: Mapping[str, Any]) -> bytes:
        user_id, locale = question["user_id"], question["locale"]
        said = {"text": question["message"], "locale": locale}
        snapshot, understood = await asyncio.gather(
            self._get("profile", f"/v1/people/{user_id}/snapshot"), self._post("intent", "/v1/understand", said)
        )
        person, intent = orjson.loads(snapshot), orjson.loads(understood)["results"][0]
        asked = {"user_id": user_id, "person": person, "locale": locale}
        place = {"item_id": question["item_id"], "surface": question["surface"]}
        answers = await asyncio.gather(
            self._post("recommend", "/v1/content", {**asked, **place, "limit": 10, "personalise": True}),
            self._post("recommend", "/v1/campaign", {**asked, "intent": intent, "surface": question["surface"]}),
            self._post("insurance", "/v1/offers", {**asked, "intent": intent, "limit": 3}),
        )
        return b'{"sections":[' + b",".join([snapshot, understood, *answers]) + b"]}"

    async def _get(self, service: str, path: str) -> bytes:
        async with self.session.get(self.urls[service] + path) as answer:
            return await _good(answer)

    async def _post(self, service: str, path: str, body: object) -> bytes:
        async with self.session.post(self.urls[service] + path, data=orjson.dumps(body), headers=JSON) as answer:
            return await _good(answer)


async def _good(answer: aiohttp.ClientResponse) -> bytes:
    body = await answer.read()
    if answer.status != 200:
        raise web.HTTPBadGateway(text=f"{answer.url.path}: {answer.status} {body[:300]!r}")
    return body


def application(headers: Mapping[str, str], urls: Mapping[str, str]) -> web.Application:
    app = web.Application()
    held: dict[str, Bare] = {}

    async def lifespan(_: web.Application) -> Any:
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
            held["bare"] = Bare(session, urls)
            yield

    async def compose(request: web.Request) -> web.Response:
        answer = await held["bare"].compose(orjson.loads(await request.read()))
        return web.Response(body=answer, content_type="application/json")

    app.cleanup_ctx.append(lifespan)
    app.router.add_post("/", compose)
    return app


def main() -> None:
    told = json.loads(sys.stdin.readline())
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    app = application(told["headers"], told["urls"])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
