"""Standard Webhooks: the published vector, rotation, and everything that must not pass."""

import base64

import pytest

from services.kit.webhooks import (
    InvalidSecret,
    UnverifiedWebhook,
    new_secret,
    signed_headers,
    verify,
)

# The vector of the reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changes: str) -> dict[str, str]:
    return signed_headers([SECRET], MESSAGE_ID, NOW, BODY) | {
        name.replace("_", "-"): text for name, text in changes.items()
    }


def test_the_published_vector_is_signed_as_published() -> None:
    assert headers() == {"webhook-id": MESSAGE_ID, "webhook-timestamp": str(NOW), "webhook-signature": SIGNATURE}
    assert verify([SECRET], headers(), BODY, now=NOW) == MESSAGE_ID


def test_with_two_live_secrets_a_receiver_of_either_is_content() -> None:
    old, new = new_secret(), new_secret()
    both = signed_headers([new, old], MESSAGE_ID, NOW, BODY)
    assert len(both["webhook-signature"].split(" ")) == 2
    assert verify([old], both, BODY, now=NOW) == verify([new], both, BODY, now=NOW) == MESSAGE_ID


def test_signatures_of_other_versions_are_passed_over() -> None:
    mixed = headers(webhook_signature=f"v1a,abc v2,{SIGNATURE[3:]} {SIGNATURE}")
    assert verify([SECRET], mixed, BODY, now=NOW) == MESSAGE_ID


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_of_clock_skew_are_tolerated(seconds: int) -> None:
    assert verify([SECRET], headers(), BODY, now=NOW + seconds) == MESSAGE_ID


@pytest.mark.parametrize(
    ("changes", "body", "now", "why"),
    [
        ({}, b'{"test": 2432232315}', NOW, "no signature fits"),
        ({"webhook_id": "msg_other"}, BODY, NOW, "no signature fits"),
        ({"webhook_timestamp": str(NOW + 1)}, BODY, NOW, "no signature fits"),
        ({"webhook_signature": SIGNATURE.replace("v1,", "v2,")}, BODY, NOW, "no signature fits"),
        ({"webhook_signature": "v1,"}, BODY, NOW, "no signature fits"),
        ({"webhook_signature": "v1,\u00e9"}, BODY, NOW, "no signature fits"),
        ({"webhook_signature": ""}, BODY, NOW, "a header is missing"),
        ({"webhook_timestamp": "soon"}, BODY, NOW, "the timestamp is not a number"),
        ({"webhook_timestamp": "\u0661\u0662"}, BODY, NOW, "the timestamp is not a number"),
        ({}, BODY, NOW + 301, "the timestamp is too far from now"),
        ({}, BODY, NOW - 301, "the timestamp is too far from now"),
    ],
)
def test_what_is_not_as_signed_does_not_pass(changes: dict[str, str], body: bytes, now: int, why: str) -> None:
    with pytest.raises(UnverifiedWebhook, match=why):
        verify([SECRET], headers(**changes), body, now=now)


def test_another_secret_does_not_pass() -> None:
    with pytest.raises(UnverifiedWebhook, match="no signature fits"):
        verify([new_secret()], headers(), BODY, now=NOW)


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 100]
)
def test_a_secret_has_a_prefix_and_24_to_64_bytes(secret: str) -> None:
    with pytest.raises(InvalidSecret):
        signed_headers([secret], MESSAGE_ID, NOW, BODY)


def test_a_new_secret_has_32_random_bytes() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize(("live", "message_id"), [([], MESSAGE_ID), ([SECRET], "msg.1")])
def test_a_message_without_a_secret_or_with_a_dot_in_its_id_is_not_signed(live: list[str], message_id: str) -> None:
    with pytest.raises(ValueError, match="without a dot"):
        signed_headers(live, message_id, NOW, BODY)
