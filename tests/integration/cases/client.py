"""CLIENT's subcommands. Replies that depend on ids and ports are driven by test_clients.py."""

from cases.views import help_title
from support.case import case, check, expect, norm, on, own, silent
from support.resp import Error, OK, Simple, Verbatim

# Fields of CLIENT LIST in 7.2's order.
FIELDS = (
    "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp "
    "obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
).split()


def text(reply):
    return (reply.text if isinstance(reply, Verbatim) else reply).decode()


def fields(line):
    return dict(pair.split("=", 1) for pair in line.split(" "))


def _lists(*wanted):
    """Every line has 7.0's fields at least, in order, and some line has all of `wanted`."""

    def good(reply):
        rows = [fields(line) for line in text(reply).splitlines()]
        old = [f for f in FIELDS if not f.startswith("lib-")]
        ordered = all([f for f in row if f in old] == old for row in rows)
        return ordered and any(set(wanted) <= set(row.items()) for row in rows)

    return good


CASES = {
    "CLIENT": [case("arity and unknown", "CLIENT", "CLIENT FOO", "CLIENT FOO bar")],
    "CLIENT|ID": [
        case("positive", check("CLIENT ID", lambda n: type(n) is int and n > 0), "CLIENT ID x")
    ],
    "CLIENT|INFO": [
        case(
            "this connection",
            "SELECT 3",
            "CLIENT SETNAME me",
            check("CLIENT INFO", _lists(("name", "me"), ("db", "3"), ("cmd", "client|info"))),
            "CLIENT INFO x",
        ),
        case(
            "protocol",
            norm("HELLO 2", type),
            check("CLIENT INFO", lambda r: fields(text(r).strip())["resp"] == "2"),
            "HELLO 3 AUTH x y",
            check("CLIENT INFO", lambda r: fields(text(r).strip())["resp"] == "2"),
        ),
    ],
    "CLIENT|LIST": [
        case(
            "all",
            "CLIENT SETNAME first",
            on("second", "CLIENT SETNAME second"),
            check("CLIENT LIST", _lists(("name", "second"), ("flags", "N"))),
        ),
        case(
            "by type",
            check("CLIENT LIST TYPE normal", _lists(("cmd", "client|list"))),
            norm("CLIENT LIST TYPE pubsub", text),
            norm("CLIENT LIST TYPE replica", text),
            norm("CLIENT LIST TYPE master", text),
        ),
        case("by id", norm("CLIENT LIST ID 99999999 88888888", text)),
        case(
            "errors",
            "CLIENT LIST TYPE foo",
            "CLIENT LIST TYPE",
            "CLIENT LIST ID",
            "CLIENT LIST ID x",
            "CLIENT LIST ID 0",
            "CLIENT LIST ID -1",
            "CLIENT LIST FOO",
            "CLIENT LIST TYPE normal x",
        ),
    ],
    "CLIENT|KILL": [
        case(
            "no such client",
            "CLIENT KILL 127.0.0.1:1",
            "CLIENT KILL ID 99999999",
            "CLIENT KILL ADDR 127.0.0.1:1",
            "CLIENT KILL LADDR 127.0.0.1:1",
            "CLIENT KILL TYPE pubsub",
            "CLIENT KILL TYPE master",
        ),
        case(
            "filters combine",
            "CLIENT KILL ID 99999999 TYPE normal SKIPME yes",
            "CLIENT KILL SKIPME no ID 99999999",
        ),
        case(
            "errors",
            "CLIENT KILL",
            "CLIENT KILL ID",
            "CLIENT KILL ID x",
            "CLIENT KILL ID 0",
            "CLIENT KILL ID -5",
            "CLIENT KILL TYPE foo",
            "CLIENT KILL SKIPME maybe",
            "CLIENT KILL FOO bar",
            "CLIENT KILL ID 1 FOO",
            "CLIENT KILL USER nobody",
        ),
    ],
    "CLIENT|SETNAME": [
        case(
            "names",
            "CLIENT GETNAME",
            "CLIENT SETNAME me",
            "CLIENT GETNAME",
            'CLIENT SETNAME ""',
            "CLIENT GETNAME",
        ),
        case(
            "bad names",
            ("CLIENT", "SETNAME", "a b"),
            ("CLIENT", "SETNAME", "a\n"),
            ("CLIENT", "SETNAME", b"\xff"),
            ("CLIENT", "SETNAME", b"a\x00"),
            "CLIENT GETNAME",
        ),
        case("arity", "CLIENT SETNAME", "CLIENT SETNAME a b"),
    ],
    "CLIENT|GETNAME": [case("arity", "CLIENT GETNAME", "CLIENT GETNAME x")],
    # 7.2 and later.
    "CLIENT|SETINFO": [
        case(
            "library name and version",
            expect("CLIENT SETINFO LIB-NAME redis-py", OK),
            expect("CLIENT SETINFO lib-ver 5.0.1", OK),
            expect(("CLIENT", "SETINFO", "LIB-NAME", ""), OK),
        ),
        case(
            "errors",
            expect("CLIENT SETINFO FOO bar", Error(b"ERR Unrecognized option 'FOO'")),
            expect(
                ("CLIENT", "SETINFO", "LIB-NAME", "a b"),
                Error(b"ERR LIB-NAME cannot contain spaces, newlines or special characters."),
            ),
            expect(
                ("CLIENT", "SETINFO", "lib-ver", "1\n"),
                Error(b"ERR lib-ver cannot contain spaces, newlines or special characters."),
            ),
            expect(
                "CLIENT SETINFO LIB-NAME",
                Error(b"ERR wrong number of arguments for 'client|setinfo' command"),
            ),
        ),
    ],
    "CLIENT|NO-EVICT": [
        case(
            "on and off",
            "CLIENT NO-EVICT ON",
            "CLIENT NO-EVICT off",
            "CLIENT NO-EVICT maybe",
            "CLIENT NO-EVICT",
        )
    ],
    "CLIENT|NO-TOUCH": [
        case(
            "on and off",
            expect("CLIENT NO-TOUCH ON", OK),
            expect("CLIENT NO-TOUCH off", OK),
            expect("CLIENT NO-TOUCH maybe", Error(b"ERR syntax error")),
            expect(
                "CLIENT NO-TOUCH",
                Error(b"ERR wrong number of arguments for 'client|no-touch' command"),
            ),
        ),
    ],
    "CLIENT|PAUSE": [
        case("ends by itself", "CLIENT PAUSE 60", "GET k", "SET k v"),
        case(
            "writes only",
            "SET k v",
            "CLIENT PAUSE 3000 WRITE",
            "GET k",
            "CLIENT UNPAUSE",
            "SET k w",
        ),
        case(
            "errors",
            "CLIENT PAUSE",
            "CLIENT PAUSE x",
            "CLIENT PAUSE -1",
            "CLIENT PAUSE 1.5",
            "CLIENT PAUSE 10 FOO",
            "CLIENT PAUSE 10 ALL WRITE",
            "CLIENT UNPAUSE",
        ),
    ],
    "CLIENT|UNPAUSE": [case("without a pause", "CLIENT UNPAUSE", "CLIENT UNPAUSE x")],
    "CLIENT|REPLY": [
        case("on", "CLIENT REPLY ON", "CLIENT REPLY on"),
        case("skip", silent("CLIENT REPLY SKIP"), silent("SET k v"), "GET k"),
        case(
            "off and on again",
            silent("CLIENT REPLY OFF"),
            silent("SET k v"),
            silent("NOSUCH"),
            silent("CLIENT REPLY SKIP"),
            "CLIENT REPLY ON",
            "GET k",
        ),
        case("errors", "CLIENT REPLY", "CLIENT REPLY foo", "CLIENT REPLY ON x"),
        *[
            own(
                f"{word} in a transaction",
                expect("MULTI", OK),
                expect("PING before", Simple(b"QUEUED")),
                expect(
                    f"CLIENT REPLY {word}",
                    Error(b"ERR Command not allowed inside a transaction"),
                ),
                expect(
                    "EXEC",
                    Error(b"EXECABORT Transaction discarded because of previous errors."),
                ),
                expect("PING after", b"after"),
            )
            for word in ("ON", "OFF", "SKIP")
        ],
    ],
    "CLIENT|UNBLOCK": [
        case(
            "nobody blocked",
            "CLIENT UNBLOCK 99999999",
            "CLIENT UNBLOCK 99999999 TIMEOUT",
            "CLIENT UNBLOCK 99999999 error",
            "CLIENT UNBLOCK x",
            "CLIENT UNBLOCK 1 FOO",
            "CLIENT UNBLOCK",
        )
    ],
    # Client libraries ask on connect; these are the answers where nobody tracks.
    "CLIENT|GETREDIR": [case("not tracking", "CLIENT GETREDIR", "CLIENT GETREDIR x")],
    "CLIENT|TRACKINGINFO": [case("not tracking", "CLIENT TRACKINGINFO", "CLIENT TRACKINGINFO x")],
    "CLIENT|HELP": [case("help", norm("CLIENT HELP", help_title))],
}
