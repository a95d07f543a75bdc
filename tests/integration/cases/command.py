"""COMMAND and its subcommands: what clients read to learn arities, flags and key positions."""

from cases.views import help_title
from support.case import case, check, norm, unordered
from support.resp import Error, Map, Set, is_null

_LISTED = (
    "get set setnx setex psetex getset getdel getex mget mset msetnx append strlen incr decr incrby decrby "
    "incrbyfloat setrange getrange substr lcs del unlink exists type touch expire pexpire expireat pexpireat "
    "ttl pttl expiretime pexpiretime persist keys scan randomkey rename renamenx copy move object memory ping "
    "echo quit reset hello auth select swapdb dbsize flushdb flushall info config command client slowlog latency "
    "monitor time role debug lolwut shutdown wait"
).split()


def _items(reply):
    return reply.items if isinstance(reply, Set) else reply


def _sorted_items(reply):
    """With the kind of collection."""
    return type(reply).__name__, sorted(_items(reply))


def _row(reply):
    """Name, arity, flags, key positions and ACL categories of each command asked for.

    Flag order is free, and hints and subcommands grow with every release.
    """
    rows = []
    for row in reply:
        if is_null(row):
            rows.append(row)
        else:
            rows.append(
                [
                    row[0],
                    row[1],
                    sorted(f.text for f in _items(row[2])),
                    *row[3:6],
                    sorted(c.text for c in _items(row[6])),
                ]
            )
    return rows


def _shape(reply):
    return [len(row) for row in reply], [type(row[2]).__name__ for row in reply]


def key_specs(reply):
    """Begin and find methods of each key specification: what clients route by."""
    specs = []
    for spec in _items(reply[0][8]):
        fields = dict(spec.pairs if isinstance(spec, Map) else zip(spec[::2], spec[1::2]))
        specs.append(
            (
                sorted(f.text for f in _items(fields[b"flags"])),
                repr(fields[b"begin_search"]),
                repr(fields[b"find_keys"]),
            )
        )
    return specs


def _docs(reply):
    """summary, since, group, complexity and the arguments are prose or grow; the field names count."""
    pairs = reply.pairs if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
    names = [name for name, _ in pairs]
    fields = [
        {k for k, _ in (d.pairs if isinstance(d, Map) else zip(d[::2], d[1::2]))} for _, d in pairs
    ]
    return names, [sorted(f & {b"summary", b"since", b"group"}) for f in fields]


def _includes(*names):
    return lambda reply: set(names) <= set(_items(reply))


CASES = {
    "COMMAND": [
        case(
            "all rows",
            check(
                "COMMAND",
                lambda r: {b"get", b"set", b"client"} <= {row[0] for row in r}
                and {len(row) for row in r} == {10},
            ),
        ),
        case("unknown", "COMMAND FOO"),
    ],
    "COMMAND|COUNT": [
        case(
            "as many as listed",
            check("COMMAND COUNT", lambda n: type(n) is int and n > 70),
            "COMMAND COUNT x",
        )
    ],
    "COMMAND|INFO": [
        *[
            case(
                f"row of {name}",
                norm(f"COMMAND INFO {name}", _row),
                norm(f"COMMAND INFO {name}", key_specs),
            )
            for name in _LISTED
        ],
        case(
            "unknown and several",
            norm("COMMAND INFO get nosuch SET", _row),
            norm("COMMAND INFO get", _shape),
            check("COMMAND INFO", lambda r: len(r) > 70),
        ),
        case(
            "subcommands",
            norm("COMMAND INFO config|get client|id object|encoding memory|usage", _row),
            "COMMAND INFO config|nosuch get|x",
        ),
    ],
    "COMMAND|DOCS": [
        case(
            "some",
            norm("COMMAND DOCS get set", _docs),
            norm("COMMAND DOCS get nosuch", _docs),
            "COMMAND DOCS nosuch",
        ),
        case("all", check("COMMAND DOCS", lambda r: len(_docs(r)[0]) > 70)),
    ],
    "COMMAND|LIST": [
        case("names", check("COMMAND LIST", _includes(b"get", b"config", b"config|get"))),
        case("of a container", norm("COMMAND LIST FILTERBY PATTERN config*", _sorted_items)),
        case("of a category", norm("COMMAND LIST FILTERBY ACLCAT bitmap", _sorted_items)),
        case(
            "filters",
            norm("COMMAND LIST FILTERBY PATTERN getr*", lambda r: sorted(_items(r))),
            check(
                "COMMAND LIST FILTERBY ACLCAT string",
                lambda r: b"get" in _items(r) and b"del" not in _items(r),
            ),
            "COMMAND LIST FILTERBY MODULE nosuch",
            "COMMAND LIST FILTERBY ACLCAT nosuch",
        ),
        case(
            "syntax",
            "COMMAND LIST FOO",
            "COMMAND LIST FILTERBY",
            "COMMAND LIST FILTERBY PATTERN",
            "COMMAND LIST FILTERBY FOO x",
        ),
    ],
    "COMMAND|GETKEYS": [
        case(
            "strings",
            "COMMAND GETKEYS GET k",
            "COMMAND GETKEYS MSET a 1 b 2 c 3",
            "COMMAND GETKEYS MGET a b c",
            "COMMAND GETKEYS SET k v EX 10",
            "COMMAND GETKEYS LCS a b LEN",
        ),
        case(
            "keys",
            "COMMAND GETKEYS DEL a b",
            "COMMAND GETKEYS RENAME a b",
            "COMMAND GETKEYS COPY a b DB 1",
            "COMMAND GETKEYS OBJECT ENCODING k",
            "COMMAND GETKEYS MEMORY USAGE k",
        ),
        case(
            "none", "COMMAND GETKEYS PING", "COMMAND GETKEYS CONFIG GET x", "COMMAND GETKEYS DBSIZE"
        ),
        case(
            "errors",
            "COMMAND GETKEYS nosuch a",
            "COMMAND GETKEYS GET",
            "COMMAND GETKEYS MSET a",
            "COMMAND GETKEYS",
            "COMMAND GETKEYS GET a b",
        ),
    ],
    "COMMAND|GETKEYSANDFLAGS": [
        case(
            "reads and writes",
            unordered("COMMAND GETKEYSANDFLAGS GET k"),
            unordered("COMMAND GETKEYSANDFLAGS SET k v"),
            unordered("COMMAND GETKEYSANDFLAGS RENAME a b"),
            unordered("COMMAND GETKEYSANDFLAGS DEL a b"),
            unordered("COMMAND GETKEYSANDFLAGS COPY a b"),
            unordered("COMMAND GETKEYSANDFLAGS SET k v GET"),
        ),
        case(
            "errors",
            "COMMAND GETKEYSANDFLAGS PING",
            "COMMAND GETKEYSANDFLAGS nosuch a",
            "COMMAND GETKEYSANDFLAGS GET",
            "COMMAND GETKEYSANDFLAGS",
        ),
    ],
    "COMMAND|HELP": [
        case(
            "help",
            norm("COMMAND HELP", help_title),
            check("COMMAND HELP x", lambda r: isinstance(r, Error)),
        )
    ],
}
