"""The wire protocol over raw sockets, byte for byte against the oracle."""

import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Error, Simple, encode
from support.server import Server, oracle_binary, subject_binary, wait_until

PASSWORD = "open-sesame"

# Requests the server must refuse: the error, then a closed connection.
MALFORMED = {
    "count is not a number": b"*x\r\n",
    "count is missing": b"*\r\n",
    "count is a fraction": b"*1.5\r\n",
    "count has a blank": b"* 1\r\n",
    "count has a leading zero": b"*01\r\n$4\r\nPING\r\n",
    "count has a plus": b"*+1\r\n$4\r\nPING\r\n",
    "count too large": b"*2147483648\r\n",
    "count far too large": b"*99999999999999999999\r\n",
    "count line too long": b"*" + b"1" * 70000,
    "not a bulk": b"*1\r\nPING\r\n",
    "integer instead of a bulk": b"*1\r\n:4\r\n",
    "empty line instead of a bulk": b"*1\r\n\r\n",
    "binary instead of a bulk": b"*1\r\n\xff4\r\n",
    "bulk length is not a number": b"*1\r\n$x\r\n",
    "bulk length is missing": b"*1\r\n$\r\n",
    "bulk length negative": b"*1\r\n$-1\r\n",
    "bulk length has a leading zero": b"*1\r\n$04\r\nPING\r\n",
    "bulk length over the limit": b"*1\r\n$536870913\r\n",
    "bulk length overflows": b"*1\r\n$99999999999999999999\r\n",
    "bulk length line too long": b"*1\r\n$" + b"1" * 70000,
    "second argument broken": b"*2\r\n$3\r\nGET\r\n$-5\r\n",
    "inline too long": b"x" * 70000,
    "inline with an open double quote": b'SET k "abc\r\n',
    "inline with an open single quote": b"SET k 'abc\r\n",
    "inline with text after a quote": b'SET k "a"b\r\n',
    "good command, then a broken one": b"*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n",
    "broken command, then a good one": b"*1\r\n$x\r\n*3\r\n$3\r\nSET\r\n$6\r\nafter1\r\n$1\r\nv\r\n",
    "HTTP request": b"POST / HTTP/1.1\r\nHost: example\r\n\r\n",
    "HTTP header": b"Host: example\r\n",
}

# Requests both servers answer and keep the connection for; a PING with a mark follows.
ACCEPTED = {
    "empty multibulk": b"*0\r\n",
    "null multibulk": b"*-1\r\n",
    "negative count": b"*-10\r\n",
    "blank inline lines": b"\r\n\r\n   \r\n\n",
    "inline with LF alone": b"PING\nECHO x\n",
    "inline with blanks around": b"   PING   \r\n",
    "inline with tabs": b"ECHO\tx\r\n",
    "inline quotes and escapes": b'ECHO "a b\\x41\\n\\t\\"c"\r\nECHO \'it\\\'s\'\r\nECHO ""\r\n',
    "inline binary": b"ECHO \xff\xfe\r\n",
    "inline and multibulk mixed": b"SET p 1\r\n*2\r\n$3\r\nGET\r\n$1\r\np\r\nGET p\r\n",
    "unknown inline command": b"NOSUCH a b\r\n",
    "inline of many words": b"MGET " + b"k " * 5000 + b"\r\n",
    "LF alone behind many arguments": b"PING\r\n" * 1023
    + b"MULTI\r\nDEL "
    + b"a " * 1200
    + b"a\n"
    + b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nEXEC\r\n",
    "empty argument": b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    "empty command name": b"*1\r\n$0\r\n\r\n",
    "CRLF inside an argument": b"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n",
    "lower-case name": b"*1\r\n$4\r\nping\r\n",
}


def answer(server, request, until=None):
    """Everything the server says: up to `until` if it comes, else up to its close."""
    with RawClient(server.address, timeout=5) as client:
        client.send(request)
        if until is None:
            return client.read_to_close()
        said = b""
        deadline = time.monotonic() + 5
        while until not in said and time.monotonic() < deadline:
            said += client.sock.recv(1 << 16)
        return said


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_request_gets_the_error_and_a_close(subject, oracle, what):
    assert answer(subject, MALFORMED[what]) == answer(oracle, MALFORMED[what])


def test_nothing_runs_after_a_protocol_error(subject, client):
    answer(subject, MALFORMED["broken command, then a good one"])
    assert client.ok("EXISTS", "after1") == 0


@pytest.mark.parametrize("what", ACCEPTED)
def test_odd_but_legal_requests(subject, oracle, what):
    mark = b"the-end-of-this"
    request = ACCEPTED[what] + encode(["ECHO", mark])
    ours, theirs = answer(subject, request, mark), answer(oracle, request, mark)
    assert mark in theirs
    assert ours == theirs


@pytest.mark.parametrize("protocol", [2, 3])
def test_split_at_every_byte(subject, oracle, protocol):
    request = (
        encode(["SET", "split", b"a\r\nb\x00"])
        + b"PING\r\n"
        + encode(["GET", "split"])
        + encode(["GET", "nokey"])
        + encode(["NOSUCH", ""])
        + b'ECHO "x y"\r\n'
    )
    with oracle.client(protocol) as theirs:
        theirs.send(request)
        wanted = [theirs.read() for _ in range(6)]
    with subject.client(protocol) as client:
        for cut in range(1, len(request)):
            client.send(request[:cut])
            time.sleep(0.0005)
            client.send(request[cut:])
            assert [client.read() for _ in range(6)] == wanted, f"cut at byte {cut}"


def test_byte_by_byte(client):
    for byte in encode(["SET", "k", "v"]) + b"GET k\r\n":
        client.send(bytes([byte]))
        time.sleep(0.0002)
    assert [client.read(), client.read()] == [OK, b"v"]


def test_large_argument_in_small_pieces(client):
    value = bytes(range(256)) * 4096
    request = encode(["SET", "k", value])
    for start in range(0, len(request), 3001):
        client.send(request[start : start + 3001])
    assert client.read() == OK
    assert client.ok("GET", "k") == value


@pytest.mark.parametrize("depth", [1, 100, 10000])
def test_pipelines_answer_in_order(client, depth):
    replies = client.pipeline([("INCR", "n") for _ in range(depth)])
    assert replies == list(range(1, depth + 1))
    mixed = client.pipeline(
        [
            (("SET", f"k{i}", i), ("GET", f"k{i}"), ("ECHO", i), ("NOSUCH",))[i % 4]
            for i in range(depth)
        ]
    )
    for i, reply in enumerate(mixed):
        assert reply == (OK, mixed[i], b"%d" % i, mixed[i])[i % 4]
        assert isinstance(reply, Error) == (i % 4 == 3)


def test_pipeline_of_inline_commands(client):
    client.send(b"PING\r\n" * 10000)
    assert all(client.read() == Simple(b"PONG") for _ in range(10000))


def test_pipeline_that_switches_protocol_midway(subject, oracle):
    commands = [
        ("GET", "nokey"),
        ("HELLO", "3"),
        ("GET", "nokey"),
        ("HELLO", "2"),
        ("GET", "nokey"),
        ("RESET",),
        ("GET", "x"),
    ]
    seen = []
    for server in (subject, oracle):
        with server.client() as client:
            replies = client.pipeline(commands)
            seen.append([r for r, c in zip(replies, commands) if c[0] != "HELLO"])
    assert seen[0] == seen[1]


def test_quit_in_a_pipeline_ends_it(subject, oracle):
    request = encode(["PING"]) + encode(["QUIT"]) + encode(["SET", "afterquit", "v"])
    assert answer(subject, request) == answer(oracle, request) == b"+PONG\r\n+OK\r\n"
    with subject.client() as client:
        assert client.ok("EXISTS", "afterquit") == 0


def test_bulk_limit_follows_the_configuration(launch):
    server = launch("--proto-max-bulk-len", "1mb")
    with server.client() as client:
        assert client.cmd("SET", "k", b"x" * (1 << 20)) == OK
    said = answer(server, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n")
    assert said == b"-ERR Protocol error: invalid bulk length\r\n"
    with server.client() as client:
        assert client.cmd("APPEND", "k", "x") == Error(
            b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        )
        assert client.cmd("SETRANGE", "k", 1 << 20, "x") == Error(
            b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        )


def test_query_buffer_limit_closes_the_connection(launch):
    server = launch("--client-query-buffer-limit", "1mb")
    with server.client() as client:
        assert client.cmd("SET", "k", b"x" * 100000) == OK
        with pytest.raises((ClosedByServer, ConnectionError)):
            client.cmd("SET", "k", b"x" * 3000000)
    with server.client() as client:
        assert client.ok("STRLEN", "k") == 100000


def resident_kib(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_announced_lengths_cost_no_memory(launch):
    """A header that promises half a gigabyte or a million arguments must not be believed."""
    server = launch()
    before = resident_kib(server)
    clients = [server.client() for _ in range(100)]
    for number, client in enumerate(clients):
        client.send(b"*1000000\r\n" if number % 2 else b"*2\r\n$4\r\nECHO\r\n$536870912\r\nabc")
    time.sleep(0.3)
    with server.client() as other:
        assert other.cmd("PING") == Simple(b"PONG")
    assert resident_kib(server) - before < 200 * 1024
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def guarded():
    """Both servers behind a password."""
    with Server(subject_binary(), "--requirepass", PASSWORD) as ours:
        with Server(oracle_binary(), "--requirepass", PASSWORD) as theirs:
            yield ours, theirs


# The last element of a request that must be refused before authentication.
UNAUTHENTICATED = {
    "ten arguments are fine": (b"*10\r\n" + b"$1\r\nx\r\n" * 10, False),
    "eleven arguments": (b"*11\r\n", True),
    "16384 bytes are fine": (b"*2\r\n$4\r\nAUTH\r\n$16384\r\n" + b"x" * 16384 + b"\r\n", False),
    "16385 bytes": (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", True),
}


@pytest.mark.parametrize("what", UNAUTHENTICATED)
def test_limits_before_authentication(guarded, what):
    request, closes = UNAUTHENTICATED[what]
    until = None if closes else b"\r\n"
    ours, theirs = (answer(server, request, until) for server in guarded)
    assert ours == theirs


AUTH_DIALOGUES = {
    "commands are refused": [
        "PING",
        "GET k",
        "SET k v",
        "NOSUCH",
        "GET",
        "COMMAND",
        "CONFIG GET *",
        "CLIENT ID",
        "SELECT 1",
    ],
    "wrong password": [
        "AUTH wrong",
        "AUTH default wrong",
        "AUTH nobody " + PASSWORD,
        "AUTH",
        "AUTH a b c",
        "PING",
    ],
    "right password": [f"AUTH {PASSWORD}", "PING", "SELECT 1", "RESET", "PING"],
    "user and password": [f"AUTH default {PASSWORD}", "PING", "AUTH wrong", "PING"],
    "HELLO without": ["HELLO", "HELLO 3", "HELLO 4", "HELLO 3 SETNAME me", "PING"],
    "HELLO with a wrong password": ["HELLO 3 AUTH default wrong", "PING"],
    "QUIT and RESET are open": ["RESET", "QUIT"],
}


def as_of_7_2(reply):
    """Redis 7.2 names HELLO's first argument in this error; the oracle does not yet."""
    if isinstance(reply, Error):
        return Error(reply.text.replace(b"the HELLO AUTH <user>", b"the HELLO <proto> AUTH <user>"))
    return reply


@pytest.mark.parametrize("what", AUTH_DIALOGUES)
def test_authentication(guarded, what):
    said = []
    for server in guarded:
        with RawClient(server.address) as client:
            said.append([client.cmd(*line.split()) for line in AUTH_DIALOGUES[what]])
    assert [as_of_7_2(reply) for reply in said[0]] == [as_of_7_2(reply) for reply in said[1]]


def test_hello_authenticates(guarded):
    for server in guarded:
        with RawClient(server.address) as client:
            fields = client.ok("HELLO", 3, "AUTH", "default", PASSWORD, "SETNAME", "me").as_dict()
            assert fields[b"proto"] == 3
            assert client.ok("CLIENT", "GETNAME") == b"me"


def test_password_changes_at_run_time(launch):
    server = launch()
    with server.client() as known, server.client() as other:
        known.ok("CONFIG", "SET", "requirepass", "later")
        wait_until(lambda: known.cmd("PING") == Simple(b"PONG"), 2, "who was there before stays")
        with RawClient(server.address) as stranger:
            assert stranger.cmd("GET", "k") == Error(b"NOAUTH Authentication required.")
            assert stranger.cmd("AUTH", "later") == OK
            assert stranger.cmd("CONFIG", "SET", "requirepass", "") == OK
        assert other.cmd("PING") == Simple(b"PONG")
    with RawClient(server.address) as anyone:
        assert anyone.cmd("PING") == Simple(b"PONG")
