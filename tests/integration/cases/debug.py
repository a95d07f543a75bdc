"""DEBUG, as far as test suites and client libraries call it."""

from cases.views import help_title
from support.case import case, check, expect, norm
from support.resp import OK, Simple

_TYPES = "string integer double bignum null array set map true false verbatim".split()

CASES = {
    "DEBUG": [
        case("arity and unknown", "DEBUG", "DEBUG FOO"),
        case("help", norm("DEBUG HELP", help_title)),
    ],
    "DEBUG|SLEEP": [case("sleeps", "DEBUG SLEEP 0", "DEBUG SLEEP 0.02", "debug sleep 0.001")],
    "DEBUG|SET-ACTIVE-EXPIRE": [
        case(
            "keeps an expired key out of sight either way",
            "DEBUG SET-ACTIVE-EXPIRE 0",
            "SET k v PX 5",
            "DEBUG SLEEP 0.03",
            "GET k",
            "SET k v PX 5",
            "DEBUG SLEEP 0.03",
            "EXISTS k",
            "DEBUG SET-ACTIVE-EXPIRE 1",
            "DBSIZE",
        ),
    ],
    "DEBUG|ERROR": [
        case("replies with it", "DEBUG ERROR FOO", 'DEBUG ERROR "CODE some text"', "DEBUG ERROR"),
        case("of one line", 'DEBUG ERROR "two\\nlines\\r\\nor three"', "PING"),
    ],
    "DEBUG|POPULATE": [
        case(
            "makes strings",
            "SET key:1 mine",
            "DEBUG POPULATE 3",
            "MGET key:0 key:1 key:2 key:3",
            "DEBUG POPULATE 2 p",
            "MGET p:0 p:1",
            "DEBUG POPULATE 1 big 20",
            "GET big:0",
            "DEBUG POPULATE 1 small 3",
            "GET small:0",
            "DBSIZE",
        ),
        case("errors", "DEBUG POPULATE", "DEBUG POPULATE x", "DEBUG POPULATE 1 p x"),
    ],
    "DEBUG|REPLYBUFFER": [
        case("accepted", "DEBUG REPLYBUFFER RESIZING 1", "DEBUG REPLYBUFFER PEAK-RESET-TIME 100"),
        case("no number", "DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER"),
        case("errors", "DEBUG REPLYBUFFER x y", "DEBUG REPLYBUFFER PEAK-RESET-TIME x"),
    ],
    "DEBUG|LEAK": [case("a text", "DEBUG LEAK text", "DEBUG LEAK")],
    "DEBUG|STRUCTSIZE": [case("of this kind only", "DEBUG STRUCTSIZE x")],
    "DEBUG|SDSLEN": [
        case(
            "strings only",
            "SET n 5",
            "RPUSH l a",
            "DEBUG SDSLEN n",
            "DEBUG SDSLEN l",
            "DEBUG SDSLEN none",
            "DEBUG SDSLEN",
        )
    ],
    "DEBUG|PAUSE-CRON": [case("accepted", "DEBUG PAUSE-CRON 0")],
    "DEBUG|JMAP": [case("unknown", "DEBUG JMAP")],
    "DEBUG|PROTOCOL": [
        case("every type", *[f"DEBUG PROTOCOL {kind}" for kind in _TYPES]),
        case("unknown type", "DEBUG PROTOCOL foo", "DEBUG PROTOCOL"),
        case(
            "types of RESP3 alone", "DEBUG PROTOCOL attrib", "DEBUG PROTOCOL push", protocols=(2,)
        ),
    ],
    "DEBUG|OBJECT": [
        case("missing", "DEBUG OBJECT nokey"),
        case(
            "describes",
            "SET k v",
            check(
                "DEBUG OBJECT k",
                lambda r: isinstance(r, Simple)
                and b"encoding:embstr" in r.text
                and b"serializedlength:" in r.text,
            ),
        ),
    ],
    "DEBUG|QUICKLIST-PACKED-THRESHOLD": [
        case(
            "accepted",
            "DEBUG QUICKLIST-PACKED-THRESHOLD 100b",
            "DEBUG QUICKLIST-PACKED-THRESHOLD 0",
        )
    ],
    "DEBUG|CHANGE-REPL-ID": [case("accepted", "DEBUG CHANGE-REPL-ID")],
    "DEBUG|SET-DISABLE-DENY-SCRIPTS": [case("accepted", "DEBUG SET-DISABLE-DENY-SCRIPTS 0")],
}
