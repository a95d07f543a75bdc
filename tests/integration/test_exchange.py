"""Values of every type move between redis-server and mantisd by DUMP and RESTORE, both ways, and
stay the same, as DEBUG DIGEST-VALUE of both shows."""

import random

import pytest

from support.server import Server, oracle_binary

SIZES = (1, 7, 130, 600, 5000)


def _text(generator, i):
    kind = i % 6
    if kind == 0:
        return b"%d" % generator.randrange(-(2**63), 2**63)
    if kind == 1:
        return b"%d" % generator.randrange(-100, 100000)
    if kind == 2:
        return bytes(generator.randrange(256) for _ in range(generator.randrange(40)))
    if kind == 3:
        return b"x" * generator.randrange(200)
    if kind == 4:
        return b"0%d" % i
    return b"element:%d" % i


def _distinct(generator, n):
    return list({b"%s:%d" % (_text(generator, i), i) if i % 6 else b"%d" % i for i in range(n)})


def _stream(key, texts):
    commands = []
    for i, text in enumerate(texts, 1):
        fields = ("f", text) if i % 5 else ("f", text, "more", i)
        commands.append(("XADD", key, f"{i}-{i % 3}", *fields))
    commands += [("XDEL", key, f"{i}-{i % 3}") for i in range(1, len(texts) + 1, 4)]
    commands += [
        ("XGROUP", "CREATE", key, "readers", "0"),
        ("XGROUP", "CREATE", key, "late", "$"),
        ("XREADGROUP", "GROUP", "readers", "alice", "COUNT", "10", "STREAMS", key, ">"),
        ("XREADGROUP", "GROUP", "readers", "bob", "COUNT", "5", "STREAMS", key, ">"),
    ]
    return commands


def _in_pieces(*command, items, width=1):
    step = 500 * width
    return [(*command, *items[i : i + step]) for i in range(0, len(items), step)]


def commands_for(kind, n):
    """What makes a key `k` of that kind with n elements."""
    generator = random.Random(n)
    if kind == "string":
        return [("SET", "k", b"y" * n if n % 2 else bytes(i * 37 % 251 for i in range(n * 20)))]
    if kind == "number":
        return [("SET", "k", n * 10**12)]
    if kind == "changed string":
        return [("SET", "k", "a"), ("APPEND", "k", "b" * n)]
    if kind == "list":
        return _in_pieces("RPUSH", "k", items=[_text(generator, i) for i in range(n)])
    if kind == "list of large":
        return [("RPUSH", "k", "z" * 20000) for _ in range(min(n, 130))]
    if kind == "set":
        return _in_pieces("SADD", "k", items=_distinct(generator, n))
    if kind == "set of integers":
        return _in_pieces("SADD", "k", items=[i * i * (-1) ** i for i in range(n)])
    if kind == "hash":
        pairs = [x for i, f in enumerate(_distinct(generator, n)) for x in (f, _text(generator, i))]
        return _in_pieces("HSET", "k", items=pairs, width=2)
    if kind == "sorted set":
        scores = ("inf", "-inf", 0, -0.5, 3.25e100)
        pairs = [
            x
            for i, m in enumerate(_distinct(generator, n))
            for x in (scores[i] if i < 5 else generator.randrange(1000) / 8, m)
        ]
        return _in_pieces("ZADD", "k", items=pairs, width=2)
    return _stream("k", [_text(generator, i) for i in range(n)])


KINDS = (
    "string",
    "number",
    "changed string",
    "list",
    "list of large",
    "set",
    "set of integers",
    "hash",
    "sorted set",
    "stream",
)


@pytest.fixture(scope="module")
def redis():
    with Server(oracle_binary(), "--enable-debug-command", "yes") as server:
        yield server


def _state(client, key="k"):
    state = [client.ok("DEBUG", "DIGEST-VALUE", key), client.ok("TYPE", key)]
    if state[1].text == b"stream":
        state.append(client.ok("XPENDING", key, "readers"))
        state.append(client.ok("XINFO", "GROUPS", key))
    return state


def _move(source, target, kind, n):
    with source.client() as left, target.client() as right:
        left.ok("FLUSHALL")
        right.ok("FLUSHALL")
        for command in commands_for(kind, n):
            left.ok(*command)
        before = _state(left)
        payload = left.ok("DUMP", "k")
        right.ok("RESTORE", "k", 0, payload)
        assert _state(right) == before
        # And home again, beside the original.
        left.ok("RESTORE", "copy", 0, right.ok("DUMP", "k"))
        assert _state(left, "copy") == before


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_redis_to_mantis_and_back(kind, n, subject, redis):
    _move(redis, subject, kind, n)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_mantis_to_redis_and_back(kind, n, subject, redis):
    _move(subject, redis, kind, n)


def test_digest_of_everything_is_the_same(subject, redis):
    digests = []
    for server in (subject, redis):
        with server.client() as client:
            client.ok("FLUSHALL")
            for number, kind in enumerate(KINDS):
                client.ok("SELECT", number % 3)
                for command in commands_for(kind, 50):
                    client.ok(command[0], *[f"{kind}" if a == "k" else a for a in command[1:]])
                if number % 2:
                    client.ok("EXPIRE", kind, 1000)
            digests.append(client.ok("DEBUG", "DIGEST"))
    assert digests[0] == digests[1]
