"""Glob patterns: what matches is what matches in Redis, and a long set costs its length once."""

import os
import random
import time

import pytest


NAMES = 150
PATTERNS = 4000
# Few letters, so that they meet; the ends of ranges on both sides of the sign; all that is special.
ALPHABET = b"abAB0-^]\\[?*\x01\x80\xff"


@pytest.fixture
def rng():
    seed = int(os.environ.get("MANTIS_SEED", random.randrange(2**32)))
    print("seed", seed)
    return random.Random(seed)


def _bytes(rng, alphabet, most):
    return bytes(rng.choice(alphabet) for _ in range(rng.randint(1, most)))


def _set(rng):
    items = b"".join(
        rng.choice((b"a", b"b", b"B", b"a-b", b"B-a", b"\\a", b"\\]", b"-", b"\x80-a", b"0"))
        for _ in range(rng.choice((0, 1, 2, 3, 40)))
    )
    return b"[" + rng.choice((b"", b"^")) + items + rng.choice((b"]", b"]", b"]", b""))


def _pattern(rng):
    if rng.random() < 0.3:
        return _bytes(rng, ALPHABET, 10)
    parts = [
        rng.choice((b"*", b"*", b"?", b"a", b"b", b"ab", b"\\*", _set(rng)))
        for _ in range(rng.randint(1, 6))
    ]
    return b"".join(parts)



def test_keys_by_random_patterns(subject, oracle, rng):
    names = {_bytes(rng, ALPHABET, 8) for _ in range(NAMES)}
    names |= {_bytes(rng, b"abAB", 6) for _ in range(NAMES)}
    patterns = [_pattern(rng) for _ in range(PATTERNS)]
    found = []
    for server in (subject, oracle):
        with server.client() as client:
            client.ok("FLUSHALL")
            for name in sorted(names):
                client.ok("SET", name, 1)
            found.append([sorted(client.ok("KEYS", pattern)) for pattern in patterns])
    for pattern, ours, theirs in zip(patterns, *found):
        assert ours == theirs, pattern


def test_names_of_commands_by_random_patterns(subject, oracle, rng):
    """Where the case is ignored."""
    alphabet = b"getsxGETSX|-*?["
    parts = (b"*", b"?", b"[a-z]", b"[A-Z]", b"[z-A]", b"[\\G]", b"[^S]", b"[GESTX", b"E", b"s")
    patterns = [_bytes(rng, alphabet, 6) for _ in range(300)]
    patterns += [b"".join(rng.choice(parts) for _ in range(4)) + b"*" for _ in range(300)]
    with subject.client() as ours, oracle.client() as theirs:
        both = set(ours.ok("COMMAND", "LIST")) & set(theirs.ok("COMMAND", "LIST"))
        for pattern in patterns:
            command = ("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern)
            found = [set(client.ok(*command)) & both for client in (ours, theirs)]
            assert found[0] == found[1], pattern


def test_a_long_set_is_no_product(client):
    size = 200_000
    client.ok("SET", b"a" * size, 1)
    client.ok("SADD", "s", b"a" * size)
    pattern = b"*[" + b"b" * size + b"]"
    begin = time.monotonic()
    assert client.ok("KEYS", pattern) == []
    assert client.ok("SCAN", 0, "MATCH", pattern, "COUNT", 10) == [b"0", []]
    assert client.ok("SSCAN", "s", 0, "MATCH", pattern) == [b"0", []]
    # The product would be some 40 seconds each.
    assert time.monotonic() - begin < 5
