"""Keys of servers and tokens of people."""

import hashlib
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.gateway.keys import key_digest, parse_keys
from services.gateway.people import PersonTokens, TokenRules, parse_jwks
from services.gateway.tokens import InternalTokens
from services.kit.errors import Unauthorised, Unavailable
from services.kit.identity import Caller, Keyring

RULES = TokenRules(
    audience="kuajie", issuer="https://id", tenant_claim="tenant_id", scopes=frozenset({"recommend:read", "understand"})
)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = {"RS256": ("r", RSA, RSAAlgorithm), "ES256": ("e", EC, ECAlgorithm), "EdDSA": ("o", ED, OKPAlgorithm)}


def jwks(**changes):
    entries = [
        json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": name}
        for name, (kid, key, algorithm) in KEYS.items()
    ]
    return json.dumps({"keys": entries} | changes).encode()


def token(algorithm="EdDSA", kid=None, key=None, **changes):
    claims = {
        "iss": "https://id",
        "aud": "kuajie",
        "sub": "u1",
        "tenant_id": "t1",
        "exp": time.time() + 60,
    } | changes
    known_kid, known_key, _ = KEYS.get(algorithm, ("o", ED, None))
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key or known_key, algorithm, headers={"kid": kid or known_kid})


@pytest.fixture(scope="module")
def keys():
    return parse_jwks(jwks())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_good_token_says_tenant_subject_and_reduced_scopes(keys, algorithm):
    caller = PersonTokens(RULES).verify(token(algorithm), keys)
    assert caller == Caller("t1", "u1", "person", frozenset({"recommend:read", "understand"}))


def test_the_scope_claim_narrows_and_never_widens(keys):
    caller = PersonTokens(RULES).verify(token(scope="understand items:write"), keys)
    assert caller.scopes == {"understand"}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"iss": "https://evil"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "u" * 129},
        {"tenant_id": None},
        {"tenant_id": "../t2"},
        {"tenant_id": 7},
        {"nbf": 4_000_000_000},
        {"kid": "unknown"},
        {"key": ed25519.Ed25519PrivateKey.generate()},
    ],
)
def test_a_token_at_fault_is_refused(keys, changes):
    with pytest.raises(Unauthorised):
        PersonTokens(RULES).verify(token(**changes), keys)


def test_a_token_may_not_choose_its_algorithm(keys):
    public = json.loads(jwks())["keys"][0]["n"]
    forged = token("HS256", kid="r", key=public)
    with pytest.raises(Unauthorised):
        PersonTokens(RULES).verify(forged, keys)


def test_an_unsigned_token_is_refused(keys):
    unsigned = jwt.encode({"sub": "u1"}, None, "none", headers={"kid": "r"})
    with pytest.raises(Unauthorised):
        PersonTokens(RULES).verify(unsigned, keys)


@pytest.mark.parametrize("text", ["a.b.c", "..", "ä.ö.ü"])
def test_nonsense_is_refused(keys, text):
    with pytest.raises(Unauthorised):
        PersonTokens(RULES).verify(text, keys)


def test_a_verified_token_is_remembered_until_it_expires(keys):
    now = time.time()
    tokens = PersonTokens(RULES, clock=lambda: now)
    good = token()
    first = tokens.verify(good, keys)
    assert tokens.verify(good, keys) is first
    now += 3600
    assert tokens.verify(good, keys) is not first  # from then on it is checked anew, and refused after the leeway


def test_other_keys_forget_what_the_old_ones_verified(keys):
    tokens = PersonTokens(RULES)
    good = token()
    tokens.verify(good, keys)
    with pytest.raises(Unauthorised):
        tokens.verify(good, {"r": keys["r"]})


def test_the_memory_of_tokens_is_bounded(keys):
    tokens = PersonTokens(RULES, size=2)
    for number in range(5):
        tokens.verify(token(sub=f"u{number}"), keys)
    assert len(tokens._verified) == 2


def test_without_keys_nothing_can_be_said_of_a_token():
    with pytest.raises(Unavailable):
        PersonTokens(RULES).verify(token(), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"keys": []}',
        b'{"keys": [{"kty": "RSA"}]}',
        b'{"keys": [{"kty": "oct", "kid": "s", "k": "c2VjcmV0"}]}',
        json.dumps({"keys": [json.loads(OKPAlgorithm.to_jwk(ED)) | {"kid": "private"}]}).encode(),
        json.dumps(
            {
                "keys": [
                    json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())) | {"kid": "x"}
                ]
            }
        ).encode(),
    ],
)
def test_a_file_that_is_no_set_of_public_keys_is_refused(content):
    with pytest.raises(ValueError, match=r".+"):
        parse_jwks(content)


def entry(**changes):
    return {
        "key_id": "k1",
        "sha256": hashlib.sha256(b"secret").hexdigest(),
        "tenant_id": "t1",
        "scopes": ["understand"],
        "kind": "server",
    } | changes


def test_a_key_is_found_by_its_hash():
    callers = parse_keys(json.dumps([entry()]).encode())
    assert callers[key_digest("secret")] == Caller("t1", "k1", "server", frozenset({"understand"}))
    assert key_digest("other") not in callers


@pytest.mark.parametrize(
    "entries",
    [
        "nonsense",
        [entry(sha256="secret")],
        [entry(tenant_id="../x")],
        [entry(kind="person")],
        [entry(extra=1)],
        [entry(), entry(key_id="k2")],
        [entry(), entry(sha256="0" * 64)],
    ],
)
def test_a_keys_file_at_fault_is_refused(entries):
    with pytest.raises(ValueError, match=r".+"):
        parse_keys(json.dumps(entries).encode())


def test_internal_tokens_are_minted_once_and_renewed_at_half_of_their_life():
    keyring = Keyring("k:0123456789abcdef0123456789abcdef")
    now = 0.0
    tokens = InternalTokens(keyring, clock=lambda: now)
    caller = Caller("t1", "u1", "person", frozenset({"understand"}))
    first = tokens.token_for(caller)
    assert keyring.verify(first) == caller
    assert tokens.token_for(caller) is first
    now = 31.0
    assert tokens.token_for(caller) is not first


def test_internal_tokens_differ_by_what_a_caller_may_do():
    keyring = Keyring("k:0123456789abcdef0123456789abcdef")
    tokens = InternalTokens(keyring)
    narrow, wide = (Caller("t1", "u1", "person", frozenset(scopes)) for scopes in (["a"], ["a", "b"]))
    assert keyring.verify(tokens.token_for(narrow)).scopes == {"a"}
    assert keyring.verify(tokens.token_for(wide)).scopes == {"a", "b"}
