"""What the clients of recorded histories do: random commands of each type on a few hot keys."""

import itertools
import random
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple

from support.histories import Ask, Request, Script, Transaction, record
from support.raw_client import Address

FIELDS = (b"f0", b"f1", b"f2", b"f3", b"f4", b"f5")
MEMBERS = tuple(b"m%d" % i for i in range(10))
WAIT_S = 0.002


class Words:
    """Elements that all differ, so that nothing can be mistaken for something else, and the names
    of those that were used last."""

    def __init__(self, chance: random.Random):
        self._chance = chance
        self._numbers = itertools.count()
        self._last = 0

    def fresh(self) -> bytes:
        self._last = next(self._numbers)
        return b"w%d" % self._last

    def recent(self) -> bytes:
        return b"w%d" % max(self._last - self._chance.randrange(40), 0)


Choose = Callable[[random.Random, Sequence[bytes], Words], Ask]


def string_command(chance: random.Random, keys: Sequence[bytes], words: Words) -> Ask:
    key, number = chance.choice(keys), chance.randrange(1000)
    return chance.choice(
        (
            ("GET", key),
            ("MGET", *keys),
            ("STRLEN", key),
            ("GETRANGE", key, 0, 3),
            ("SET", key, number),
            ("SETNX", key, number),
            ("GETSET", key, words.fresh()),
            ("GETDEL", key),
            ("INCRBY", key, number),
            ("APPEND", key, words.fresh()),
            ("SETRANGE", key, chance.choice((0, 3, 60)), words.fresh()),
            ("MSET", *[item for k in keys for item in (k, words.fresh())]),
        )
    )


def list_command(chance: random.Random, keys: Sequence[bytes], words: Words) -> Ask:
    key, other = chance.choice(keys), chance.choice(keys)
    ends = [chance.choice(("LEFT", "RIGHT")) for _ in range(2)]
    return chance.choice(
        (
            ("LPUSH", key, words.fresh()),
            ("RPUSH", key, words.fresh(), words.fresh()),
            ("RPUSH", key, words.fresh()),
            ("LPUSHX", key, words.fresh()),
            ("LINSERT", key, "BEFORE", words.recent(), words.fresh()),
            ("LPOP", key),
            ("RPOP", key),
            ("LPOP", key, 2),
            ("LREM", key, 1, words.recent()),
            ("LTRIM", key, 0, 20),
            ("LMOVE", key, other, *ends),
            ("LMOVE", key, other, *ends),
            ("LLEN", key),
            ("LRANGE", key, 0, -1),
            ("LRANGE", key, -3, -1),
            ("LINDEX", key, chance.choice((0, 3, -1))),
            ("LPOS", key, words.recent()),
        )
    )


def hash_command(chance: random.Random, keys: Sequence[bytes], _: Words) -> Ask:
    key, number = chance.choice(keys), chance.randrange(1000)
    field, other = chance.sample(FIELDS, 2)
    return chance.choice(
        (
            ("HSET", key, field, number),
            ("HSET", key, field, number, other, number),
            ("HSETNX", key, field, number),
            ("HINCRBY", key, field, 1),
            ("HINCRBY", key, field, -number),
            ("HDEL", key, field),
            ("HDEL", key, *chance.sample(FIELDS, 3)),
            ("HGET", key, field),
            ("HMGET", key, field, other),
            ("HEXISTS", key, field),
            ("HGETALL", key),
            ("HLEN", key),
        )
    )


def set_command(chance: random.Random, keys: Sequence[bytes], _: Words) -> Ask:
    key, other = chance.sample(keys, 2)
    member, number = chance.choice(MEMBERS), chance.randrange(8)
    return chance.choice(
        (
            # Sets of nothing but numbers have an encoding of their own.
            ("SADD", key, number),
            ("SADD", key, member),
            ("SADD", key, *chance.sample(MEMBERS, 3)),
            ("SREM", key, member),
            ("SREM", key, number, *chance.sample(MEMBERS, 4)),
            ("SPOP", key),
            ("SMOVE", key, other, member),
            ("SUNIONSTORE", key, key, other),
            ("SUNION", key, other),
            ("SISMEMBER", key, member),
            ("SISMEMBER", key, number),
            ("SCARD", key),
            ("SMEMBERS", key),
        )
    )


def sorted_set_command(chance: random.Random, keys: Sequence[bytes], _: Words) -> Ask:
    key, member, score = chance.choice(keys), chance.choice(MEMBERS), chance.randrange(1, 20)
    return chance.choice(
        (
            ("ZADD", key, score, member),
            ("ZADD", key, *[item for m in chance.sample(MEMBERS, 2) for item in (score, m)]),
            ("ZINCRBY", key, score, member),
            ("ZINCRBY", key, -score, member),
            ("ZREM", key, member),
            ("ZPOPMIN", key),
            ("ZPOPMAX", key),
            ("ZSCORE", key, member),
            ("ZRANK", key, member),
            ("ZCARD", key),
            ("ZRANGE", key, 0, -1, "WITHSCORES"),
            ("ZRANGE", key, 1, 2, "WITHSCORES"),
        )
    )


def key_command(chance: random.Random, keys: Sequence[bytes]) -> Ask:
    """A command that does not care about types; they travel with it."""
    key, other = chance.sample(keys, 2)
    return chance.choice(
        (
            ("DEL", key),
            ("DEL", key, other),
            ("EXISTS", key, other),
            ("RENAME", key, other),
            ("COPY", key, other),
            ("COPY", key, other, "REPLACE"),
        )
    )


# By the letter that the name of a key begins with.
BY_TYPE: Dict[bytes, Choose] = {
    b"s": string_command,
    b"l": list_command,
    b"h": hash_command,
    b"m": set_command,
    b"z": sorted_set_command,
}


def typed_command(chance: random.Random, keys: Sequence[bytes], words: Words) -> Ask:
    """A command on keys of one type, those whose names begin alike."""
    letter = chance.choice(keys)[:1]
    alike = [key for key in keys if key.startswith(letter)]
    if chance.random() < 0.1:
        return key_command(chance, alike)
    return BY_TYPE[letter](chance, alike, words)


def any_type_command(chance: random.Random, keys: Sequence[bytes], words: Words) -> Ask:
    """Commands of all types on the same keys, which change their type again and again."""
    if chance.random() < 0.25:
        return key_command(chance, keys)
    return chance.choice(list(BY_TYPE.values()))(chance, keys, words)


def looks(keys: Sequence[bytes]) -> List[Ask]:
    """Reads all of every key, whatever it is: of the wrong type are all answers but one."""
    return [
        look
        for key in keys
        for look in (
            ("GET", key),
            ("LRANGE", key, 0, -1),
            ("HGETALL", key),
            ("SMEMBERS", key),
            ("ZRANGE", key, 0, -1, "WITHSCORES"),
        )
    ]


def burst_length(chance: random.Random) -> int:
    """Mostly short; long ones have the time to meet others many times."""
    return chance.randrange(1, chance.choice((4, 20, 50)))


def plain_script(
    chance: random.Random, keys: Sequence[bytes], words: Words, choose: Choose, volleys: int
) -> Script:
    """Bursts of single commands. In the end nothing is to be missing, so everybody looks."""
    for _ in range(volleys):
        yield [choose(chance, keys, words) for _ in range(burst_length(chance))]
    yield looks(keys)


def transaction(
    chance: random.Random, keys: Sequence[bytes], words: Words, choose: Choose
) -> Transaction:
    """Two to five commands. Now and then one that names no keys: such transactions stop the world
    where others lock their keys."""
    commands = [choose(chance, keys, words) for _ in range(chance.randrange(2, 6))]
    if chance.random() < 0.1:
        commands.append(("KEYS", "*"))
    if chance.random() < 0.02:
        commands.insert(0, ("FLUSHDB",))
    return Transaction(tuple(commands))


def transaction_script(
    chance: random.Random, keys: Sequence[bytes], words: Words, choose: Choose, volleys: int
) -> Script:
    """Transactions among single commands on the same keys."""
    for _ in range(volleys):
        yield [
            transaction(chance, keys, words, choose)
            if chance.random() < 0.4
            else choose(chance, keys, words)
            for _ in range(burst_length(chance))
        ]
    yield looks(keys)


def waiting_script(
    chance: random.Random, keys: Sequence[bytes], words: Words, choose: Choose, volleys: int
) -> Script:
    """Waits for an element, or gives others something to wait for. Who waits sends nothing else: it
    would hold up the reading of everybody's answers."""
    for _ in range(volleys):
        key, other = chance.choice(keys), chance.choice(keys)
        kind = chance.randrange(8)
        if kind < 3:
            yield [("BLPOP", key, WAIT_S)]
        elif kind < 5:
            yield [("BLMOVE", key, other, "LEFT", "RIGHT", WAIT_S)]
        elif kind == 5:
            yield [transaction(chance, keys, words, choose)]
        else:
            yield [choose(chance, keys, words) for _ in range(chance.randrange(1, 5))]
    yield looks(keys)


def whole_number(seen: object) -> int:
    digits = isinstance(seen, bytes) and seen.lstrip(b"-").isdigit()
    return int(seen) if digits else 0


# By letter: how a client that watches a key looks at it, and what it then makes of what it saw.
EDITS: Dict[bytes, Tuple[Callable[[bytes], Ask], Callable[[bytes, object], Ask]]] = {
    b"s": (lambda k: ("GET", k), lambda k, seen: ("SET", k, whole_number(seen) + 1)),
    b"l": (lambda k: ("LLEN", k), lambda k, seen: ("RPUSH", k, b"after%d" % seen)),
    b"h": (
        lambda k: ("HGET", k, FIELDS[0]),
        lambda k, seen: ("HSET", k, FIELDS[0], whole_number(seen) + 1),
    ),
    b"m": (
        lambda k: ("SISMEMBER", k, MEMBERS[0]),
        lambda k, seen: ("SREM" if seen else "SADD", k, MEMBERS[0]),
    ),
    b"z": (
        lambda k: ("ZSCORE", k, MEMBERS[0]),
        lambda k, seen: ("ZADD", k, whole_number(seen) + 1, MEMBERS[0]),
    ),
}


def optimist_script(
    chance: random.Random, keys: Sequence[bytes], words: Words, choose: Choose, volleys: int
) -> Script:
    """Watches a key or two, looks, and changes what it saw, all while others write. The EXEC goes
    in the next volley, or at once, with no knowledge of what was seen, for the narrow races."""
    while volleys > 0:
        watched = chance.sample(keys, chance.randrange(1, 3))
        looking = [("WATCH", *watched), *(EDITS[key[:1]][0](key) for key in watched)]
        volleys -= 1
        if chance.random() < 0.5:
            yield [*looking, transaction(chance, keys, words, choose)] * chance.randrange(1, 8)
            continue
        seen = (yield looking)[1:]
        volleys -= 1
        edits = tuple(EDITS[key[:1]][1](key, answer) for key, answer in zip(watched, seen))
        # Some write themselves what they watch, and some think better of it.
        before = [choose(chance, keys, words)] if chance.random() < 0.1 else []
        yield [("UNWATCH",)] if chance.random() < 0.1 else [*before, Transaction(edits)]
    yield looks(keys)


@dataclass(frozen=True)
class Workload:
    """Which commands, on which keys, and what each client does with them."""

    choose: Choose
    keys: Tuple[bytes, ...]
    scripts: Tuple[Callable[..., Script], ...]


SINGLE = (plain_script,) * 4
TRANSACTIONS = (plain_script, *(transaction_script,) * 3)
OPTIMISTS = (transaction_script, *(optimist_script,) * 3)
ANY = (b"k0", b"k1", b"k2")
# Of these, three types at a time.
TYPED = tuple(letter + digit for letter in BY_TYPE for digit in (b"0", b"1"))

WORKLOADS = {
    "strings": Workload(string_command, (b"s0", b"s1"), SINGLE),
    "lists": Workload(list_command, (b"l0", b"l1"), SINGLE),
    "hashes": Workload(hash_command, (b"h0", b"h1"), SINGLE),
    "sets": Workload(set_command, (b"m0", b"m1"), SINGLE),
    "sorted_sets": Workload(sorted_set_command, (b"z0", b"z1"), SINGLE),
    "changing_types": Workload(any_type_command, ANY, SINGLE),
    "waiting": Workload(list_command, (b"l0", b"l1"), (waiting_script,) * 5),
    "transactions": Workload(typed_command, TYPED, TRANSACTIONS),
    "transactions_changing_types": Workload(any_type_command, ANY, TRANSACTIONS),
    "watches": Workload(typed_command, TYPED, OPTIMISTS),
}


# Histories are short, as all orders are tried where one is wrong.
VOLLEYS = 30


def play(
    address: Address, workload: Workload, seed: int, atomic: bool = True
) -> List[List[Request]]:
    """A recorded history, by client, which has to begin with no keys; see record."""
    chance = random.Random(seed)
    keys = workload.keys
    if keys == TYPED:
        letters = chance.sample(sorted(BY_TYPE), 3)
        keys = tuple(key for key in keys if key[:1] in letters)
    words = Words(chance)
    clients = [s(chance, keys, words, workload.choose, VOLLEYS) for s in workload.scripts]
    return record(address, clients, atomic)
