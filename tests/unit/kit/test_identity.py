import pytest

from services.kit.errors import Forbidden, Unauthorised
from services.kit.identity import Caller, Keyring

OLD, NEW = "old:" + "a" * 32, "new:" + "b" * 32
CALLER = Caller("acme", "u1", "person", frozenset({"profile:read"}))


def test_a_token_gives_back_its_caller_and_is_remembered():
    keyring = Keyring(OLD)
    token = keyring.sign(CALLER)
    assert keyring.verify(token) == CALLER
    assert keyring.verify(token) is keyring.verify(token)


def test_keys_rotate_without_a_gap():
    token = Keyring(OLD).sign(CALLER)
    both = Keyring(f"{NEW},{OLD}")
    assert both.verify(token) == CALLER
    assert Keyring(f"{OLD},{NEW}").verify(both.sign(CALLER)) == CALLER


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Unauthorised):
        Keyring(OLD).verify(token)


def test_an_expired_token_and_one_of_another_key_are_refused():
    with pytest.raises(Unauthorised):
        Keyring(OLD).verify(Keyring(OLD).sign(CALLER, lifetime_s=-1))
    with pytest.raises(Unauthorised):
        Keyring(NEW).verify(Keyring(OLD).sign(CALLER))
    with pytest.raises(Unauthorised):
        Keyring("old:" + "c" * 32).verify(Keyring(OLD).sign(CALLER))


@pytest.mark.parametrize("spec", ["", "kid", "kid:short", ":" + "a" * 32])
def test_weak_keys_do_not_start(spec):
    with pytest.raises(ValueError, match="KUAJIE_INTERNAL_KEYS"):
        Keyring(spec)


def test_a_person_acts_for_nobody_else_and_scopes_are_needed():
    CALLER.require_self("u1")
    with pytest.raises(Forbidden):
        CALLER.require_self("u2")
    with pytest.raises(Forbidden) as lacking:
        CALLER.require_scope("items:write")
    assert lacking.value.extra == {"scope": "items:write"}
