"""Webhooks: registered, signed, retried, given up, replayed; and never sent where they must not be."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import text

from services.intent.app import create_app
from services.intent.monitor.delivering import LEASE, PAUSES_S, pause_after
from services.intent.monitor.outbound import Allowed, GuardedResolver, Outbound, open_outbound
from services.kit.webhooks import verify
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient
from tests.service.intent.monitor.receiving import BODY, KEYS, LAPTOP, Desk, Home, Receiver


async def test_a_delivery_is_signed_and_carries_the_id_of_its_notification(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url, events=["alert.opened"])
    identity = await desk.tell()
    assert await desk.deliver()
    [(headers, body)] = receiver.seen
    assert (
        verify(await desk.secrets(hook["webhook_id"]), headers, body, now=int(datetime.now(UTC).timestamp()))
        == identity
    )
    assert (body, headers["content-type"]) == (BODY, "application/json")
    assert [(each["state"], each["attempts"], each["last_status"]) for each in await desk.deliveries()] == [
        ("delivered", 1, 204)
    ]
    assert not await desk.deliver()


async def test_a_failed_delivery_is_tried_again_with_growing_pauses_then_dead_then_replayed(
    desk: Desk, receiver: Receiver
) -> None:
    await desk.register(receiver.url)
    identity = await desk.tell()
    receiver.status, now = 500, datetime.now(UTC)
    for attempt in range(1, len(PAUSES_S) + 2):
        assert await desk.deliver(now)
        [row] = await desk.deliveries()
        assert (row["attempts"], row["last_status"]) == (attempt, 500)
        assert not await desk.deliver(now)
        now += timedelta(seconds=1.21 * (PAUSES_S[attempt - 1] if attempt <= len(PAUSES_S) else 0))
    assert [each["notification_id"] for each in await desk.deliveries(state="dead")] == [identity]
    receiver.status = 200
    again = await desk.client.post("/v1/monitor/deliveries/replay", json={"notification_ids": [identity]})
    assert again.json() == {"replayed": 1}
    assert await desk.deliver()
    assert {headers["webhook-id"] for headers, _ in receiver.seen} == {identity}
    assert [each["state"] for each in await desk.deliveries()] == ["delivered"]


async def test_a_pause_begins_when_the_attempt_has_ended(desk: Desk, receiver: Receiver) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    receiver.status, receiver.wait_s, now = 500, 2.2, datetime.now(UTC)
    await desk.deliver(now)
    [row] = await desk.deliveries()
    assert datetime.fromisoformat(row["due_at"]) >= now + timedelta(seconds=receiver.wait_s + 0.8 * PAUSES_S[0])


@pytest.mark.parametrize("attempts", range(1, len(PAUSES_S) + 1))
def test_pauses_are_jittered_by_a_fifth(attempts: int) -> None:
    pauses = {pause_after(attempts) for _ in range(50)}
    base = PAUSES_S[attempts - 1]
    assert len(pauses) > 1
    assert all(each is not None and 0.8 * base <= each.total_seconds() <= 1.2 * base for each in pauses)


async def test_workers_that_come_at_once_send_a_notification_once(desk: Desk, receiver: Receiver) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    receiver.wait_s = 0.1
    sent = await asyncio.gather(*(desk.deliver() for _ in range(6)))
    assert (sum(sent), len(receiver.seen)) == (1, 1)


async def test_what_a_worker_took_and_never_settled_is_sent_by_another_after_its_lease(
    desk: Desk, receiver: Receiver
) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    now = datetime.now(UTC)
    async with desk.db.begin() as connection:
        taken = text("UPDATE monitor_deliveries SET attempts = attempts + 1, due_at = :until")
        await connection.execute(taken, {"until": now + LEASE})
    assert not await desk.deliver(now + LEASE - timedelta(seconds=1))
    assert await desk.deliver(now + LEASE)
    assert [(each["state"], each["attempts"]) for each in await desk.deliveries()] == [("delivered", 2)]


async def test_senders_are_as_many_as_there_may_be_also_to_one_host_that_is_slow(receiver: Receiver) -> None:
    receiver.wait_s = 1.2
    async with open_outbound(LAPTOP, total_s=2.0) as outbound:
        answers = await asyncio.gather(*(outbound.post(receiver.url, {}, BODY) for _ in range(10)))
    assert [each.status for each in answers] == [204] * 10


@pytest.mark.parametrize(("status", "error"), [(302, None), (404, None), (503, None)])
async def test_only_2xx_is_an_answer_and_redirects_are_not_followed(
    desk: Desk, receiver: Receiver, status: int, error: str | None
) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    receiver.status = status
    await desk.deliver()
    assert [(each["state"], each["last_status"], each["last_error"]) for each in await desk.deliveries()] == [
        ("pending", status, error)
    ]
    assert len(receiver.seen) == 1


async def test_a_receiver_that_hangs_or_never_stops_talking_is_left(desk: Desk, receiver: Receiver) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    receiver.wait_s = 60
    async with open_outbound(LAPTOP, total_s=0.5) as impatient:
        await replace(desk, outbound=impatient).deliver()
    assert [each["last_error"] for each in await desk.deliveries()] == ["timeout"]
    receiver.wait_s, receiver.endless = 0, True
    await desk.deliver(datetime.now(UTC) + timedelta(seconds=10))
    assert [(each["state"], each["last_status"]) for each in await desk.deliveries()] == [("delivered", 200)]


async def test_a_name_that_no_resolver_takes_is_an_error_like_others_and_ends_no_sender(desk: Desk) -> None:
    await desk.register("https://hooks.example.com/x")
    async with desk.db.begin() as connection:
        await connection.execute(text("UPDATE monitor_webhooks SET url = 'https://hooks..example.com/x'"))
    await desk.tell()
    assert await desk.deliver()
    assert [(each["state"], each["last_error"]) for each in await desk.deliveries()] == [
        ("pending", "not the name of a host")
    ]


async def test_a_receiver_that_is_gone_is_disabled_and_can_be_enabled(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    await desk.tell()
    receiver.status = 410
    await desk.deliver()
    found = await desk.webhook(hook["webhook_id"])
    assert (found["enabled"], found["disabled_because"]) == (False, "gone")
    assert await desk.tell() is None
    enabled = await desk.client.post(f"/v1/monitor/webhooks/{hook['webhook_id']}/enable")
    assert (enabled.json()["enabled"], enabled.json()["disabled_because"]) == (True, None)


async def test_a_receiver_that_fails_for_days_is_disabled(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    await desk.tell()
    receiver.status, now = 500, datetime.now(UTC)
    await desk.deliver(now)
    assert (await desk.webhook(hook["webhook_id"]))["failing_since"] is not None
    await desk.deliver(now + timedelta(days=3))
    assert (await desk.webhook(hook["webhook_id"]))["disabled_because"] == "failing"


async def test_what_waits_for_a_receiver_that_fails_holds_up_no_other(desk: Desk, receiver: Receiver) -> None:
    bad = await desk.register(f"{receiver.url}/bad")
    await desk.tell()
    receiver.status, now = 500, datetime.now(UTC)
    await desk.deliver(now)
    good = await desk.register(f"{receiver.url}/good")
    await desk.tell()
    receiver.status = 204
    assert await desk.deliver(now + timedelta(hours=1))
    tried = {(each["webhook_id"], each["state"]) for each in await desk.deliveries()}
    assert tried == {(bad["webhook_id"], "pending"), (good["webhook_id"], "delivered")}


async def test_one_good_answer_ends_a_row_of_failures(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    await desk.tell()
    receiver.status, now = 500, datetime.now(UTC)
    await desk.deliver(now)
    assert (await desk.webhook(hook["webhook_id"]))["failing_since"] is not None
    receiver.status = 200
    await desk.deliver(now + timedelta(seconds=10))
    assert (await desk.webhook(hook["webhook_id"]))["failing_since"] is None


async def test_a_webhook_hears_of_what_it_asked_for(desk: Desk, receiver: Receiver) -> None:
    await desk.register(receiver.url, events=["alert.resolved"])
    assert await desk.tell() is None


async def test_the_test_message_goes_to_one_webhook_even_to_a_disabled_one(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    await desk.register(receiver.url + "/other")
    async with desk.db.begin() as connection:
        await connection.execute(text("UPDATE monitor_webhooks SET enabled = false"))
    path = f"/v1/monitor/webhooks/{hook['webhook_id']}/test"
    first = await desk.client.post(path, headers={"Idempotency-Key": "k1"})
    again = await desk.client.post(path, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()) == (201, again.json())
    while await desk.deliver():
        pass
    [(_, body)] = receiver.seen
    assert json.loads(body)["type"] == "webhook.test"


async def test_a_removed_webhook_is_told_nothing_more(desk: Desk, receiver: Receiver) -> None:
    hook = await desk.register(receiver.url)
    await desk.tell()
    assert (await desk.client.delete(f"/v1/monitor/webhooks/{hook['webhook_id']}")).json()["webhook_id"] == hook[
        "webhook_id"
    ]
    assert not await desk.deliver()
    assert (await desk.client.get(f"/v1/monitor/webhooks/{hook['webhook_id']}")).status_code == 404


async def test_other_tenants_neither_see_nor_hear(desk: Desk, receiver: Receiver, internal_headers: Headers) -> None:
    hook = await desk.register(receiver.url)
    other = internal_headers("monitor:webhooks", tenant="other")
    for method, path in (("GET", ""), ("GET", "/secret"), ("POST", "/rotate"), ("POST", "/test"), ("DELETE", "")):
        answer = await desk.client.request(method, f"/v1/monitor/webhooks/{hook['webhook_id']}{path}", headers=other)
        assert answer.status_code == 404, path


async def test_without_permission_private_and_plain_addresses_are_refused_at_the_door_and_at_the_call(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, receiver: Receiver
) -> None:
    async with app_client(create_app(make_settings(roles=frozenset({"api"}), sealing_keys=KEYS))) as client:
        for url in (receiver.url, "https://10.0.0.1/x", "https://localhost/x"):
            answer = await client.post(
                "/v1/monitor/webhooks", json={"url": url}, headers=internal_headers("monitor:webhooks")
            )
            assert (answer.status_code, answer.json()["code"], answer.json()["param"]) == (422, "url_refused", "url")
    port = receiver.url.rpartition(":")[2]
    async with open_outbound(Allowed(http=True)) as outbound:
        literal = await outbound.post(f"http://127.0.0.1:{port}/", {}, b"")
    guarded = aiohttp.TCPConnector(resolver=GuardedResolver(Home()), use_dns_cache=False)
    async with aiohttp.ClientSession(connector=guarded) as session:
        named = await Outbound(session, Allowed(http=True)).post(f"http://hooks.example.com:{port}/", {}, b"")
    assert [literal.error, named.error] == ["not a public address"] * 2
    assert receiver.seen == []


async def test_the_worker_of_a_service_delivers_by_itself(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, receiver: Receiver
) -> None:
    settings = make_settings(sealing_keys=KEYS, webhook_allow_http=True, webhook_allow_private=True)
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers("monitor:webhooks"))
        hook = (await client.post("/v1/monitor/webhooks", json={"url": receiver.url})).json()["webhook_id"]
        await client.post(f"/v1/monitor/webhooks/{hook}/test")
        async with asyncio.timeout(60):
            while not receiver.seen:
                await asyncio.sleep(0.05)
