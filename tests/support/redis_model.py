"""A sequential model of the commands that recorded histories are made of: what they answer, what
they leave behind, and which keys they touch (what WATCH goes by).

Answers are in the form that `plain` gives to replies. What the types do is in redis_values.
"""

from typing import Any, Callable, Dict, Optional, Tuple

from support.redis_values import EMPTY, FAILED, KEPT, VALUE_COMMANDS
from support.redis_values import element_range, flat, pop_left, pop_right, push_left, push_right
from support.resp import Error, Simple, is_null

# A command's name in capitals, and its arguments.
Command = Tuple[Any, ...]
# A type and a content as redis_values has it. None: there is no such key.
Value = Optional[Tuple[str, Any]]

WRONG_TYPE = ("error", b"WRONGTYPE")


class WrongType(Exception):
    """The key holds a value of another type."""


class Space:
    """What keys hold while commands run on them, and which of them were touched."""

    def __init__(self, values: Dict[bytes, Value]):
        self.values = values
        self.touched = set()

    def content(self, key: bytes, kind: str) -> Any:
        value = self.values.get(key)
        if value is not None and value[0] != kind:
            raise WrongType
        return EMPTY[kind] if value is None else value[1]

    def store(self, key: bytes, value: Value) -> None:
        """An empty collection is no key."""
        gone = value is None or value[1] == EMPTY[value[0]]
        self.values[key] = None if gone else value
        self.touched.add(key)

    def exists(self, key: bytes) -> bool:
        return self.values.get(key) is not None

    def run(self, command: Command, told: object) -> object:
        """The answer. `told` is the recorded one, for commands that leave the server a choice."""
        name, *args = command
        try:
            if name in KEYSPACE_COMMANDS:
                return KEYSPACE_COMMANDS[name](self, *args)
            kind, function = VALUE_COMMANDS[name]
            key, *rest = args
            if name in SERVER_CHOOSES:
                rest.append(told)
            answer, after = function(self.content(key, kind), *rest)
        except WrongType:
            return WRONG_TYPE
        if after is not KEPT:
            self.store(key, (kind, after))
        return answer


def plain(command: Command, reply: Any) -> object:
    """A reply in a hashable form: nulls are None, statuses are bytes, of an error there is its
    first word, and what comes in no order is sorted."""
    if is_null(reply):
        return None
    if isinstance(reply, Error):
        return ("error", reply.text.split(b" ")[0])
    if isinstance(reply, Simple):
        return reply.text
    if not isinstance(reply, list):
        return reply
    items = tuple(plain((), item) for item in reply)
    if command[:1] == ("HGETALL",):
        return flat(sorted(zip(items[::2], items[1::2])))
    return tuple(sorted(items)) if command[:1] and command[0] in UNORDERED else items


# Commands that name several keys, or do not care what type a key has.


def set_key(space, key, value):
    space.store(key, ("string", value))
    return b"OK"


def set_new_key(space, key, value):
    if space.exists(key):
        return 0
    set_key(space, key, value)
    return 1


def set_keys(space, *arguments):
    for key, value in zip(arguments[::2], arguments[1::2]):
        set_key(space, key, value)
    return b"OK"


def get_keys(space, *keys):
    values = (space.values.get(key) for key in keys)
    return tuple(v[1] if v is not None and v[0] == "string" else None for v in values)


def delete_keys(space, *keys):
    there = [key for key in dict.fromkeys(keys) if space.exists(key)]
    for key in there:
        space.store(key, None)
    return len(there)


def rename(space, source, target):
    if not space.exists(source):
        return FAILED
    space.store(target, space.values[source])
    space.store(source, None)
    return b"OK"


def copy(space, source, target, *replace):
    if not space.exists(source) or (space.exists(target) and not replace):
        return 0
    space.store(target, space.values[source])
    return 1


def trim(space, key, start, stop):
    """Touches the list even if all of it stays."""
    items = space.content(key, "list")
    if items:
        space.store(key, ("list", element_range(items, start, stop)))
    return b"OK"


def move_element(space, source, target, from_end, to_end, *_):
    pop = pop_left if from_end == b"LEFT" else pop_right
    push = push_left if to_end == b"LEFT" else push_right
    element, left = pop(space.content(source, "list"))
    if left is KEPT:
        return None
    space.content(target, "list")  # of the wrong type: nothing has happened yet
    space.store(source, ("list", left))
    space.store(target, ("list", push(space.content(target, "list"), element)[1]))
    return element


def pop_or_wait(space, key, _):
    """Who got nothing found the list empty at some time; nobody knows when the waiting ended."""
    element, left = pop_left(space.content(key, "list"))
    if left is KEPT:
        return None
    space.store(key, ("list", left))
    return (key, element)


def move_member(space, source, target, member):
    if not space.exists(source):
        return 0
    members, there = space.content(source, "set"), space.content(target, "set")
    if member not in members:
        return 0
    space.store(source, ("set", members - {member}))
    if member not in there:
        space.store(target, ("set", there | {member}))
    return 1


def union(space, *keys):
    return frozenset().union(*[space.content(key, "set") for key in keys])


def store_union(space, target, *keys):
    members = union(space, *keys)
    if members or space.exists(target):
        space.store(target, ("set", members))
    return len(members)


def all_keys(space, _):
    return tuple(sorted(key for key in space.values if space.exists(key)))


def flush(space):
    delete_keys(space, *space.values)
    return b"OK"


# By name: `function(space, *arguments) -> answer`.
KEYSPACE_COMMANDS: Dict[str, Callable[..., object]] = {
    "SET": set_key,
    "SETNX": set_new_key,
    "MSET": set_keys,
    "MGET": get_keys,
    "DEL": delete_keys,
    "EXISTS": lambda space, *keys: sum(map(space.exists, keys)),
    "RENAME": rename,
    "COPY": copy,
    "LTRIM": trim,
    "LMOVE": move_element,
    "BLMOVE": move_element,
    "BLPOP": pop_or_wait,
    "SMOVE": move_member,
    "SUNION": lambda space, *keys: tuple(sorted(union(space, *keys))),
    "SUNIONSTORE": store_union,
    "KEYS": all_keys,
    "FLUSHDB": flush,
}
SERVER_CHOOSES = {"SPOP"}
UNORDERED = {"SMEMBERS", "SUNION", "KEYS"}
READS = {
    *("GET", "STRLEN", "GETRANGE", "MGET", "EXISTS", "LLEN", "LRANGE", "LINDEX", "LPOS", "KEYS"),
    *("HGET", "HMGET", "HEXISTS", "HGETALL", "HLEN", "SISMEMBER", "SCARD", "SMEMBERS", "SUNION"),
    *("ZSCORE", "ZRANK", "ZCARD", "ZRANGE"),
}
# These change nothing if they answer 0 or null.
SAY_IF_CHANGED = {
    *("SETNX", "GETDEL", "DEL", "COPY", "LPUSHX", "LPOP", "RPOP", "LREM", "LMOVE", "BLPOP"),
    *("BLMOVE", "HSETNX", "HDEL", "SADD", "SREM", "SPOP", "SMOVE", "ZREM", "ZPOPMIN"),
    "ZPOPMAX",
}
TWO_KEYS = {"RENAME", "COPY", "LMOVE", "BLMOVE", "SMOVE"}
ONLY_KEYS = {"MGET", "DEL", "EXISTS", "SUNION", "SUNIONSTORE", "WATCH"}
WHOLE_KEYSPACE = {"KEYS", "FLUSHDB"}


def changes_nothing(command: Command, answer: object) -> bool:
    """Whether the command that answers so leaves everything as it is, whatever that is."""
    failed = isinstance(answer, tuple) and answer[:1] == ("error",)
    return failed or command[0] in READS or (command[0] in SAY_IF_CHANGED and not answer)


def keys_of(command: Command) -> Tuple[bytes, ...]:
    """The keys that a command names; those of WHOLE_KEYSPACE name none."""
    name, *args = command
    if name in ONLY_KEYS:
        return tuple(args)
    if name == "MSET":
        return tuple(args[::2])
    if name in WHOLE_KEYSPACE or name == "UNWATCH":
        return ()
    return tuple(args[: 2 if name in TWO_KEYS else 1])
