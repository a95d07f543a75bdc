"""What commands do to one value, as a sequential model: the half of redis_model that knows types.

A content is immutable and hashable: bytes (or None), a tuple of elements, a tuple of sorted (field,
value) pairs, a frozenset, or a tuple of sorted (score, member) pairs with whole numbers as scores.
A function gets it and the arguments, and gives the answer and the content afterwards, or KEPT.
"""

from typing import Any, Callable, Dict, Iterable, Optional, Tuple

EMPTY = {"string": None, "list": (), "hash": (), "set": frozenset(), "zset": ()}
# The content was not touched. One that was may be the same as before: WATCH tells the two apart.
KEPT = object()
FAILED = ("error", b"ERR")


def flat(pairs: Iterable[Tuple[Any, Any]]) -> Tuple[Any, ...]:
    return tuple(item for pair in pairs for item in pair)


def number(value: Optional[bytes]) -> int:
    return int(value or b"0")


# Strings.


def increase(old, by=b"1"):
    """Numbers here are far from the ends of their range."""
    if old is not None and not old.lstrip(b"-").isdigit():
        return FAILED, KEPT
    value = number(old) + int(by)
    return value, b"%d" % value


def append(old, text):
    whole = (old or b"") + text
    return len(whole), whole


def set_range(old, offset, text):
    at = int(offset)
    padded = (old or b"").ljust(at, b"\0")
    whole = padded[:at] + text + padded[at + len(text) :]
    return len(whole), whole


def get_and_delete(old):
    return old, KEPT if old is None else None


# Lists.


def push_left(items, *values):
    after = values[::-1] + items
    return len(after), after


def push_right(items, *values):
    after = items + values
    return len(after), after


def pop_left(items, count=None):
    if not items:
        return None, KEPT
    if count is None:
        return items[0], items[1:]
    return items[: int(count)], items[int(count) :]


def pop_right(items):
    return (items[-1], items[:-1]) if items else (None, KEPT)


def element_range(items, start, stop):
    """The elements from `start` to `stop`, both included; negative ones count from the end."""
    first, last = (at + len(items) if at < 0 else at for at in (int(start), int(stop)))
    return items[max(first, 0) : max(last + 1, 0)]


def element_at(items, index):
    at = int(index)
    return (items[at] if -len(items) <= at < len(items) else None), KEPT


def insert_before(items, _, pivot, value):
    if pivot not in items:
        return (-1 if items else 0), KEPT
    at = items.index(pivot)
    after = items[:at] + (value,) + items[at:]
    return len(after), after


def remove_first(items, _, value):
    if value not in items:
        return 0, KEPT
    at = items.index(value)
    return 1, items[:at] + items[at + 1 :]


# Hashes.


def set_fields(pairs, *arguments):
    fields = dict(pairs)
    before = len(fields)
    fields.update(zip(arguments[::2], arguments[1::2]))
    return len(fields) - before, tuple(sorted(fields.items()))


def set_new_field(pairs, field, value):
    return (0, KEPT) if field in dict(pairs) else set_fields(pairs, field, value)


def delete_fields(pairs, *fields):
    after = tuple(pair for pair in pairs if pair[0] not in fields)
    return len(pairs) - len(after), KEPT if len(after) == len(pairs) else after


def increase_field(pairs, field, by):
    value = number(dict(pairs).get(field)) + int(by)
    return value, set_fields(pairs, field, b"%d" % value)[1]


# Sets.


def add_members(members, *more):
    after = members | set(more)
    return len(after) - len(members), KEPT if after == members else after


def remove_members(members, *gone):
    after = members - set(gone)
    return len(members) - len(after), KEPT if after == members else after


def pop_member(members, told):
    if not members:
        return None, KEPT
    chosen = told if told in members else min(members)
    return chosen, members - {chosen}


# Sorted sets.


def by_score(scores):
    return tuple(sorted((score, member) for member, score in scores.items()))


def scores_of(pairs):
    return {member: score for score, member in pairs}


def set_scores(pairs, *arguments):
    scores = scores_of(pairs)
    before = dict(scores)
    scores.update((member, int(score)) for score, member in zip(arguments[::2], arguments[1::2]))
    return len(scores) - len(before), KEPT if scores == before else by_score(scores)


def increase_score(pairs, by, member):
    scores = scores_of(pairs)
    scores[member] = scores.get(member, 0) + int(by)
    return b"%d" % scores[member], by_score(scores)


def remove_scored(pairs, *members):
    after = tuple(pair for pair in pairs if pair[1] not in members)
    return len(pairs) - len(after), KEPT if len(after) == len(pairs) else after


def pop_scored(pairs, at):
    if not pairs:
        return (), KEPT
    chosen = pairs[at]
    return with_scores((chosen,)), tuple(pair for pair in pairs if pair != chosen)


def with_scores(pairs):
    return flat((member, b"%d" % score) for score, member in pairs)


def rank(pairs, member):
    members = [m for _, m in pairs]
    return (members.index(member) if member in members else None), KEPT


def score_of(pairs, member):
    score = scores_of(pairs).get(member)
    return (None if score is None else b"%d" % score), KEPT


def reading(function: Callable[..., object]) -> Callable[..., Tuple[object, object]]:
    return lambda content, *args: (function(content, *args), KEPT)


# By name: the type and `function(content, *arguments) -> (answer, content afterwards or KEPT)`.
VALUE_COMMANDS: Dict[str, Tuple[str, Callable[..., Tuple[object, Any]]]] = {
    "GET": ("string", reading(lambda s: s)),
    "STRLEN": ("string", reading(lambda s: len(s or b""))),
    "GETRANGE": ("string", reading(lambda s, start, stop: element_range(s or b"", start, stop))),
    "GETSET": ("string", lambda s, value: (s, value)),
    "GETDEL": ("string", get_and_delete),
    "INCR": ("string", increase),
    "INCRBY": ("string", increase),
    "APPEND": ("string", append),
    "SETRANGE": ("string", set_range),
    "LPUSH": ("list", push_left),
    "RPUSH": ("list", push_right),
    "LPUSHX": ("list", lambda items, *v: push_left(items, *v) if items else (0, KEPT)),
    "LPOP": ("list", pop_left),
    "RPOP": ("list", pop_right),
    "LLEN": ("list", reading(len)),
    "LRANGE": ("list", reading(element_range)),
    "LINDEX": ("list", element_at),
    "LPOS": ("list", reading(lambda items, e: items.index(e) if e in items else None)),
    "LINSERT": ("list", insert_before),
    "LREM": ("list", remove_first),
    "HSET": ("hash", set_fields),
    "HSETNX": ("hash", set_new_field),
    "HGET": ("hash", reading(lambda pairs, field: dict(pairs).get(field))),
    "HMGET": ("hash", reading(lambda pairs, *fields: tuple(map(dict(pairs).get, fields)))),
    "HEXISTS": ("hash", reading(lambda pairs, field: int(field in dict(pairs)))),
    "HDEL": ("hash", delete_fields),
    "HINCRBY": ("hash", increase_field),
    "HGETALL": ("hash", reading(flat)),
    "HLEN": ("hash", reading(len)),
    "SADD": ("set", add_members),
    "SREM": ("set", remove_members),
    "SPOP": ("set", pop_member),
    "SISMEMBER": ("set", reading(lambda members, m: int(m in members))),
    "SCARD": ("set", reading(len)),
    "SMEMBERS": ("set", reading(lambda members: tuple(sorted(members)))),
    "ZADD": ("zset", set_scores),
    "ZINCRBY": ("zset", increase_score),
    "ZREM": ("zset", remove_scored),
    "ZPOPMIN": ("zset", lambda pairs: pop_scored(pairs, 0)),
    "ZPOPMAX": ("zset", lambda pairs: pop_scored(pairs, -1)),
    "ZSCORE": ("zset", score_of),
    "ZRANK": ("zset", rank),
    "ZCARD": ("zset", reading(len)),
    "ZRANGE": (
        "zset",
        reading(lambda pairs, start, stop, _: with_scores(element_range(pairs, start, stop))),
    ),
}
