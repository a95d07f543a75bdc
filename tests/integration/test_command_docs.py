"""COMMAND DOCS: every command's tree of arguments is Redis's, but for what is named below."""

import pytest

from support.resp import Map
from support.resp import Set as RespSet

# The notation of our command table gives choices, blocks and tokens no names of their own.
NAMELESS = (b"oneof", b"block", b"pure-token")
# What differs on purpose, and why.
NEWER = "an option or a form of a later Redis"
SHORTER = "the same, said without a block or a choice around it"
DIFFERENT = {
    "client|kill": "more filters, and SKIPME's choice spelled out",
    "client|list": SHORTER,
    "command|getkeys": NEWER,
    "command|getkeysandflags": NEWER,
    "config|get": SHORTER,
    "geohash": NEWER,
    "geopos": NEWER,
    "hscan": NEWER,
    "lcs": NEWER,
    "module|loadex": "nothing of it works here",
    "pfmerge": NEWER,
    "sort": "its patterns belong to no key specification",
    "sort_ro": "its patterns belong to no key specification",
    "xinfo|stream": SHORTER,
    "zrank": NEWER,
    "zrevrank": NEWER,
}


def _fields(value):
    return dict(value.pairs if isinstance(value, Map) else zip(value[::2], value[1::2]))


def _items(value):
    return value.items if isinstance(value, RespSet) else value


def _tree(arguments):
    shown = []
    for argument in arguments:
        fields = _fields(argument)
        kind = fields[b"type"]
        shown.append(
            (
                None if kind in NAMELESS else fields[b"name"],
                kind,
                fields.get(b"token"),
                sorted(flag.text for flag in _items(fields.get(b"flags", []))),
                fields.get(b"key_spec_index"),
                _tree(fields.get(b"arguments", [])),
            )
        )
    return shown


def _docs(client):
    trees = {}

    def add(reply):
        for name, doc in _fields(reply).items():
            fields = _fields(doc)
            trees[name.decode()] = _tree(fields.get(b"arguments", []))
            add(fields.get(b"subcommands", []))

    add(client.ok("COMMAND", "DOCS"))
    return trees


@pytest.fixture(scope="module")
def docs(_shared_subject, oracle):
    with _shared_subject.client() as ours, oracle.client() as theirs:
        return _docs(ours), _docs(theirs)


def test_trees_are_those_of_redis(docs):
    ours, theirs = docs
    assert len(ours) > 250
    wrong = [
        f"{name}\n  here  {ours[name]}\n  Redis {theirs[name]}"
        for name in sorted(set(ours) & set(theirs) - set(DIFFERENT))
        if ours[name] != theirs[name]
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_said_to_differ_does(docs):
    ours, theirs = docs
    assert [name for name in DIFFERENT if ours[name] == theirs.get(name)] == []


@pytest.mark.parametrize("protocol", [2, 3])
def test_kinds_of_collections(subject, oracle, protocol):
    """Of COMMAND INFO's reply, down to tips and key specifications."""

    def kinds(value):
        if isinstance(value, (list, RespSet)):
            inner = sorted({repr(kinds(item)) for item in _items(value)})
            return type(value).__name__, inner
        if isinstance(value, Map):
            return "Map", sorted({repr((key, kinds(item))) for key, item in value.pairs})
        return type(value).__name__

    command = ("COMMAND", "INFO", "randomkey", "sort", "config", "get", "object|freq")
    with subject.client(protocol=protocol) as ours, oracle.client(protocol=protocol) as theirs:
        rows = zip(ours.ok(*command), theirs.ok(*command))
        for mine, redis in rows:
            assert [kinds(item) for item in mine[:8]] == [kinds(item) for item in redis[:8]]
            assert type(mine[8]) is type(redis[8])
