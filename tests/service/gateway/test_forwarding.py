"""Forwarded routes: what is carried there and back, what is refused at the edge, what a dead back end looks like."""

import asyncio
import gzip

import aiohttp
import pytest
from aiohttp import web

CONSENT = {"records": [{"user_id": "u1", "purpose": "finance", "granted": True, "notice_version": "1"}]}


def answers(status=200, body=b"{}", content_type="application/json", **headers):
    async def handle(request):
        await request.read()
        return web.Response(status=status, body=body, content_type=content_type, headers=headers)

    return handle


async def test_bytes_go_there_and_back_unchanged(gateway, stubs, key, internal):
    body = b'{ "user_id" : "u1",\n "traits": {"birth_date": "1992-05-17"} }'
    stubs["profile"].on["/v1/identify"] = None
    answer = await gateway.post("/v1/identify", content=body, headers=key | {"Content-Type": "application/json"})
    assert answer.status_code == 404  # the stub's own problem, as it was
    assert answer.json()["detail"] == "d"
    assert stubs["profile"].bodies == [body]
    caller = internal(stubs["profile"].seen[0])
    assert (caller.tenant_id, caller.subject, caller.kind) == ("t1", "k1", "server")
    assert "events:write" in caller.scopes


async def test_headers_that_mean_something_are_carried(gateway, stubs, key):
    stubs["profile"].on["/v1/consents"] = answers(
        201, b'{"records": []}', **{"Idempotent-Replayed": "true", "X-Inner": "1"}
    )
    sent = {"Idempotency-Key": "abc", "If-None-Match": '"t"', "Cookie": "a=b", "X-Request-Deadline-Ms": "30000"}
    answer = await gateway.post("/v1/consents", json=CONSENT, headers=key | sent)
    seen = stubs["profile"].seen[0].headers
    assert (seen["Idempotency-Key"], seen["If-None-Match"]) == ("abc", '"t"')
    assert 15_000 < int(seen["X-Request-Deadline-Ms"]) <= 30_000
    assert "Cookie" not in seen
    assert "kj_test" not in seen["Authorization"]
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (201, "true")
    assert "X-Inner" not in answer.headers


async def test_a_tag_that_still_holds_is_304(gateway, stubs, key):
    stubs["profile"].on["/v1/people/u1/snapshot"] = answers(304, b"", ETag='"t"')
    answer = await gateway.get("/v1/people/u1/profile", headers=key | {"If-None-Match": '"t"'})
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, '"t"', b"")


async def test_path_and_query_are_carried_as_they_are_meant(gateway, stubs, key):
    await gateway.get("/v1/people/%E7%94%A8%E6%88%B7%20%3F1/consents?cursor=a%26b&limit=3", headers=key)
    seen = stubs["profile"].seen[0]
    assert seen.path == "/v1/people/用户 ?1/consents"
    assert dict(seen.query) == {"cursor": "a&b", "limit": "3"}


async def test_an_id_may_hold_a_slash(gateway, stubs, key):
    await gateway.get("/v1/people/shop%2F7/profile", headers=key)
    assert stubs["profile"].seen[0].raw_path == "/v1/people/shop%2F7/snapshot"


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("intent", "/v1/monitor/documents/%s"),
        ("intent", "/v1/assist/knowledge/%s"),
        ("recommend", "/v1/items/%s"),
        ("recommend", "/v1/items/%s/similar"),
    ],
)
async def test_the_id_of_a_document_or_an_item_may_be_its_address(gateway, stubs, key, service, path):
    asked = path % "https:%2F%2Fa.example%2F1%3Fb"
    await gateway.get(asked, headers=key)
    assert stubs[service].seen[0].raw_path == asked


@pytest.mark.parametrize("name", ["%2E%2E", "%2E"])
async def test_a_path_cannot_climb(gateway, stubs, key, name):
    async with asyncio.timeout(30):
        answer = await gateway.get(f"/v1/people/{name}/profile", headers=key)
    assert (answer.status_code, stubs["profile"].seen) == (404, [])


async def test_what_is_not_in_the_table_cannot_be_reached(gateway, stubs, key):
    for path in ("/v1/content", "/v1/campaign", "/v1/offers"):
        answer = await gateway.post(path, json={"user_id": "u1"}, headers=key)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (await gateway.get("/v1/people/u1/snapshot", headers=key)).status_code == 404
    assert stubs["recommend"].seen + stubs["insurance"].seen + stubs["profile"].seen == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorised"),
        ({"Authorization": "Basic a2o6"}, 401, "unauthorised"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthorised"),
        ({"Authorization": "Bearer a.b.c"}, 401, "unauthorised"),
        ({"Authorization": "Bearer narrow"}, 403, "forbidden"),
    ],
)
async def test_without_a_right_nothing_passes(gateway, stubs, headers, status, code):
    for method, path in (("POST", "/v1/recommend"), ("POST", "/v1/batch"), ("GET", "/v1/items"), ("GET", "/v1/lag")):
        answer = await gateway.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert stubs["profile"].seen == []


async def test_a_person_acts_for_itself(gateway, stubs, token, internal):
    await gateway.post("/v1/batch", json={"batch": [{"user_id": "u1"}]}, headers=token("u1"))
    caller = internal(stubs["profile"].seen[0])
    assert (caller.tenant_id, caller.subject, caller.kind) == ("t1", "u1", "person")
    assert "items:write" not in caller.scopes
    answer = await gateway.post("/v1/recommend", json={"user_id": "u1"}, headers=token("u1"))
    assert answer.json()["sections"]["profile"]["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/recommend", {"user_id": "u2"}),
        ("POST", "/v1/batch", {"batch": [{"user_id": "u1"}, {"user_id": "u2"}]}),
        ("POST", "/v1/identify", {"user_id": "u2", "traits": {}}),
        ("POST", "/v1/consents", {"records": [{"user_id": "u2"}]}),
        ("POST", "/v1/consents/check", {"user_id": "u2", "purpose": "finance"}),
        ("POST", "/v1/suitability", {"user_id": "u2", "answers": {}}),
        ("GET", "/v1/people/u2/profile", None),
        ("GET", "/v1/people/u2/consents", None),
        ("GET", "/v1/people/u2/suitability", None),
        ("POST", "/v1/events/import", {"user_id": "u1"}),
        ("POST", "/v1/dead-letters/replay", {}),
    ],
)
async def test_a_person_acts_for_nobody_else(gateway, stubs, token, method, path, body):
    answer = await gateway.request(method, path, json=body, headers=token("u1"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert [request for stub in stubs.values() for request in stub.seen] == []


async def test_a_tenant_named_by_the_caller_changes_nothing(gateway, stubs, key, internal):
    await gateway.get("/v1/items?tenant_id=t2", headers=key | {"X-Tenant-Id": "t2"})
    assert internal(stubs["recommend"].seen[0]).tenant_id == "t1"


async def test_a_dead_back_end_is_503_with_retry_after(gateway, stubs, key):
    await stubs["recommend"].die()
    answer = await gateway.get("/v1/items", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")
    assert answer.headers["Retry-After"] == "1"


async def test_a_silent_back_end_is_504(gateway, stubs, key):
    async def silent(_):
        await asyncio.sleep(30)

    stubs["recommend"].on["/v1/items"] = silent
    answer = await gateway.get("/v1/items", headers=key | {"X-Request-Deadline-Ms": "200"})
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize(
    ("service", "path", "body", "ended"),
    [("intent", "/v1/understand", {"text": "hello"}, True), ("profile", "/v1/consents", CONSENT, False)],
)
async def test_a_caller_that_leaves_ends_a_question_and_no_write(served, stubs, key, service, path, body, ended):
    stub = stubs[service]
    arrived, finished = asyncio.Event(), asyncio.Event()

    async def slow(_):
        arrived.set()
        await asyncio.sleep(30 if ended else 0.3)
        finished.set()
        return web.json_response({})

    stub.on[path] = slow
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(
            session.post(f"{served}{path}", json=body, headers=key | {"Idempotency-Key": "k1"})
        )
        async with asyncio.timeout(10):
            await arrived.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if ended:
                while not stub.aborted:
                    await asyncio.sleep(0.01)
            else:
                await finished.wait()
    assert bool(stub.aborted) is ended


async def test_an_error_without_a_reason_is_502(gateway, stubs, key):
    stubs["recommend"].on["/v1/items"] = answers(500, b"<html>oops</html>", "text/html")
    answer = await gateway.get("/v1/items", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (502, "backend_failed")


async def test_a_problem_of_the_back_end_is_passed_on(gateway, stubs, key, answer_problem):
    async def full(_):
        return answer_problem(429, "queue_full", **{"Retry-After": "7"})

    stubs["intent"].on["/v1/understand"] = full
    answer = await gateway.post("/v1/understand", json={"text": "x"}, headers=key)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "queue_full", "7")


async def test_disagreement_on_internal_keys_is_not_the_callers_fault(gateway, stubs, key, answer_problem):
    async def refuse(_):
        return answer_problem(401, "unauthorised")

    stubs["recommend"].on["/v1/items"] = refuse
    answer = await gateway.get("/v1/items", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")


async def test_an_encoded_body_is_415(gateway, stubs, key):
    sent = key | {"Content-Encoding": "gzip"}
    answer = await gateway.post("/v1/batch", content=gzip.compress(b"{}"), headers=sent)
    assert (answer.status_code, answer.json()["param"]) == (415, "Content-Encoding")
    assert stubs["profile"].seen == []


async def test_a_body_that_nests_too_deep_is_400(gateway, stubs, key):
    answer = await gateway.post("/v1/batch", content=b"[" * 50, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_too_deep")
    assert stubs["profile"].seen == []


async def test_tensors_behind_the_json_are_carried_both_ways_and_their_brackets_nest_nothing(gateway, stubs, key):
    path, head, tail = "/v2/models/intent/infer", b'{"inputs": []}', b"[" * 50
    told = {"Inference-Header-Content-Length": "3"}
    stubs["intent"].on[path] = answers(body=b"{} \x00\x00\x80?", content_type="application/octet-stream", **told)
    sent = key | {"Inference-Header-Content-Length": str(len(head))}
    answer = await gateway.post(path, content=head + tail, headers=sent)
    seen = stubs["intent"].seen[0]
    assert (seen.headers["Inference-Header-Content-Length"], await seen.read()) == ("14", head + tail)
    assert (answer.content, answer.headers["content-type"]) == (b"{} \x00\x00\x80?", "application/octet-stream")
    assert answer.headers["Inference-Header-Content-Length"] == "3"


@pytest.mark.parametrize("told", ["50", "\N{SUPERSCRIPT TWO}", "-1", "x", "9" * 5000])
async def test_what_the_back_end_will_parse_may_not_nest_too_deep(gateway, stubs, key, told):
    sent = key | {"Inference-Header-Content-Length": told.encode("latin-1")}
    for path in ("/v2/models/intent/infer", "/v2/models/intent/versions/a/infer"):
        answer = await gateway.post(path, content=b"[" * 50, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "json_too_deep")
    assert stubs["intent"].seen == []


async def test_the_length_of_tensors_json_means_nothing_elsewhere(gateway, stubs, key):
    sent = key | {"Inference-Header-Content-Length": "2"}
    answer = await gateway.post("/v1/understand", content=b"{}" + b"[" * 50, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_too_deep")
    assert stubs["intent"].seen == []


async def test_lags_of_all_back_ends_are_one_report(gateway, stubs, key):
    stubs["profile"].on["/v1/lag"] = answers(body=b'{"consumers": {"relay": 0, "recommend": 2}}')
    stubs["recommend"].on["/v1/lag"] = answers(body=b'{"consumers": {"profile": 1}, "relay": 3}')
    answer = await gateway.get("/v1/lag", headers=key)
    assert answer.json() == {
        "consumers": {"profile.relay": 0, "profile.recommend": 2, "recommend.profile": 1, "recommend.relay": 3}
    }


async def test_half_a_lag_report_is_none(gateway, stubs, key):
    stubs["profile"].on["/v1/lag"] = answers(body=b'{"consumers": {}}')
    await stubs["recommend"].die()
    answer = await gateway.get("/v1/lag", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")
