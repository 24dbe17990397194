"""Secrets of webhooks: sealed where they lie, rotated, and lost with their key."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.intent.app import create_app
from services.intent.monitor import webhooks
from services.intent.monitor.sealing import Sealer
from services.kit.webhooks import UnverifiedWebhook, verify
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient
from tests.service.intent.monitor.receiving import KEYS, Desk, Receiver


async def test_secrets_are_not_in_the_database_and_not_in_the_answer(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    [secret] = await desk.secrets(hook["webhook_id"])
    assert secret not in json.dumps(hook)
    async with desk.db.connect() as connection:
        rows = [str(row) for row in await connection.execute(text("SELECT * FROM monitor_webhooks"))]
        rows += [
            str(row)
            for row in await connection.execute(text("SELECT convert_from(body, 'UTF8') FROM idempotency_keys"))
        ]
    assert all(secret.removeprefix("whsec_") not in row for row in rows)


async def test_after_a_rotation_both_secrets_sign_for_a_day(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    [old] = await desk.secrets(hook["webhook_id"])
    assert (await desk.client.post(f"/v1/monitor/webhooks/{hook['webhook_id']}/rotate")).status_code == 200
    new, second = await desk.secrets(hook["webhook_id"])
    assert (second, new != old) == (old, True)
    await desk.tell()
    now = datetime.now(UTC)
    await desk.deliver(now)
    [(headers, body)] = receiver.seen
    for secret in (old, new):
        verify([secret], headers, body, now=int(now.timestamp()))
    await desk.tell()
    later = now + timedelta(hours=25)
    await desk.deliver(later)
    with pytest.raises(UnverifiedWebhook):
        verify([old], *receiver.seen[1], now=int(later.timestamp()))


async def test_a_secret_whose_key_is_gone_is_none_any_more_once_it_is_rotated(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, desk: Desk, receiver: Receiver
) -> None:
    path = f"/v1/monitor/webhooks/{(await desk.register(receiver.url))['webhook_id']}"
    keys = "two:fedcba9876543210fedcba9876543210"
    async with app_client(create_app(make_settings(roles=frozenset({"api"}), sealing_keys=keys))) as client:
        client.headers.update(internal_headers("monitor:webhooks"))
        lost = await client.get(f"{path}/secret")
        assert (lost.status_code, lost.json()["code"]) == (503, "secret_lost")
        assert (await client.post(f"{path}/rotate")).status_code == 200
        [secret] = (await client.get(f"{path}/secret")).json()["secrets"]
    await desk.tell()
    now = datetime.now(UTC)
    await replace(desk, sealer=Sealer(keys)).deliver(now)
    verify([secret], *receiver.seen[0], now=int(now.timestamp()))


async def test_a_key_that_goes_within_a_day_of_the_rotation_takes_the_former_secret_with_it_and_no_other(
    desk: Desk, receiver: Receiver
) -> None:
    hook = await desk.register(receiver.url)
    path = f"/v1/monitor/webhooks/{hook['webhook_id']}"
    async with desk.db.begin() as connection:
        both = Sealer(f"two:{'2' * 32},{KEYS}")
        await webhooks.rotate(connection, "default", hook["webhook_id"], both, datetime.now(UTC))
    assert (await desk.client.get(f"{path}/secret")).json()["code"] == "secret_lost"
    await desk.tell()
    await replace(desk, sealer=Sealer(f"two:{'2' * 32}")).deliver()
    [(headers, _)] = receiver.seen
    assert headers["webhook-signature"].count("v1,") == 1


async def test_without_sealing_keys_no_webhook_is_taken(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(roles=frozenset({"api"})))) as client:
        answer = await client.post(
            "/v1/monitor/webhooks", json={"url": "https://a.example"}, headers=internal_headers("monitor:webhooks")
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "sealing_not_configured")
