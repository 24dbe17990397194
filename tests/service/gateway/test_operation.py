"""What an operator sees: probes that can fail, keys that change while it runs, CORS, documentation."""

import asyncio
import hashlib
import json
import os
import sys
import time
from functools import cache

import httpx
import pytest
from pydantic import ValidationError

from kuajie.ports import free_ports
from services.gateway.app import create_app
from services.gateway.table import ROWS


async def test_ready_with_keys(gateway):
    assert (await gateway.get("/livez")).status_code == 200
    assert (await gateway.get("/readyz")).text == "ready"


async def test_ready_whatever_the_back_ends_do(gateway, stubs):
    for stub in stubs.values():
        await stub.die()
    assert (await gateway.get("/readyz")).status_code == 200


@pytest.mark.parametrize("content", [None, "nonsense", "[{}]"])
async def test_not_ready_and_closed_without_keys(settings, keys_file, key, app_client, content):
    keys_file.unlink()
    if content is not None:
        keys_file.write_text(content)
    async with app_client(create_app(settings())) as gateway:
        probe = await gateway.get("/readyz")
        assert (probe.status_code, probe.json()["reasons"]) == (503, ["server keys are not loaded"])
        assert (await gateway.get("/v1/items", headers=key)).json()["code"] == "unavailable"


async def test_not_ready_without_the_keys_of_peoples_tokens(settings, jwks_file, token, app_client):
    jwks_file.write_text("{}")
    async with app_client(create_app(settings())) as gateway:
        assert (await gateway.get("/readyz")).json()["reasons"] == ["keys of people's tokens are not loaded"]
        answer = await gateway.get("/v1/people/u1/profile", headers=token("u1"))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_new_key_works_and_an_old_one_stops_while_it_runs(gateway, keys_file, key):
    entries = json.loads(keys_file.read_text())
    entries[0]["sha256"] = hashlib.sha256(b"new").hexdigest()
    keys_file.write_text(json.dumps(entries))
    async with asyncio.timeout(30):
        while (await gateway.get("/v1/items", headers={"Authorization": "Bearer new"})).status_code == 401:
            await asyncio.sleep(0.05)
    assert (await gateway.get("/v1/items", headers=key)).status_code == 401


def test_keys_of_tokens_need_an_issuer(settings):
    with pytest.raises(ValidationError, match="JWT_ISSUER"):
        settings(jwt_issuer=None)


async def test_no_web_page_may_call_unless_it_is_named(gateway):
    answer = await gateway.get("/livez", headers={"Origin": "https://shop.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_named_web_page_may_call(settings, key, app_client):
    async with app_client(create_app(settings(cors_origins=["https://shop.example"]))) as gateway:
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        preflight = await gateway.options(
            "/v1/recommend", headers=asked | {"Access-Control-Request-Headers": "authorization"}
        )
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert {row.method for row in ROWS} <= set(preflight.headers["access-control-allow-methods"].split(", "))
        answer = await gateway.post(
            "/v1/recommend", json={"user_id": "u1"}, headers=key | {"Origin": "https://shop.example"}
        )
        assert "X-Kuajie-Complete" in answer.headers["access-control-expose-headers"]
        other = await gateway.get("/livez", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(("made", "status"), [(lambda: time.sleep(0.3), 504), (lambda: 1 / 0, 500)])
async def test_a_web_page_may_read_failures_that_no_route_foresaw(settings, app_client, monkeypatch, made, status):
    monkeypatch.setattr("services.gateway.app._made", made)
    async with app_client(create_app(settings(cors_origins=["https://shop.example"]))) as gateway:
        sent = {"Origin": "https://shop.example"} | ({"X-Request-Deadline-Ms": "50"} if status == 504 else {})
        answer = await gateway.get("/openapi.json", headers=sent)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


async def test_told_to_end_it_is_unready_first_and_ends_after_the_drain(keys_file):
    port = free_ports()
    told = {
        "KUAJIE_INTERNAL_KEYS": "test:0123456789abcdef0123456789abcdef",
        "KUAJIE_GATEWAY_KEYS_FILE": str(keys_file),
        "KUAJIE_GATEWAY_DRAIN_S": "4",
    }
    command = [sys.executable, "-m", "kuajie.serving", "gateway", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | told)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert await probed(client, "/readyz", 200) == "ready"
            process.terminate()
            assert "draining" in await probed(client, "/readyz", 503)
            assert (await client.get("/livez")).status_code == 200
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def probed(client, path, status) -> str:
    """The probe's text, once it answers with `status`."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.get(path)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == status:
                return answer.text
            await asyncio.sleep(0.02)


async def test_the_document_comes_however_long_its_making_takes(settings, app_client, monkeypatch):
    made = []

    def slowly():
        made.append(time.sleep(0.6))  # longer than an ordinary call may last
        return b"{}"

    monkeypatch.setattr("services.gateway.app._made", cache(slowly))
    shared = settings().shared.model_copy(update={"default_deadline_ms": 400})
    async with app_client(create_app(settings(shared=shared))) as gateway:
        del gateway.headers["X-Request-Deadline-Ms"]
        answers = await asyncio.gather(*(gateway.get("/openapi.json") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(made) == 1
