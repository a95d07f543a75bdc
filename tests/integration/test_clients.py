"""Real client libraries: hiredis through a C program, redis-py as applications use it."""

import os
import shutil
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
import redis

SOURCE = Path(__file__).with_name("hiredis_client.c")


@pytest.fixture(scope="module")
def hiredis_program(tmp_path_factory):
    """The one the build made (HIREDIS_CLIENT), else one compiled now."""
    built = os.environ.get("HIREDIS_CLIENT")
    if built:
        return built
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("HIREDIS_CLIENT is not set and there is no C compiler")
    program = tmp_path_factory.mktemp("hiredis") / "hiredis_client"
    subprocess.run(
        [compiler, "-std=c11", "-Wall", "-o", program, SOURCE, "-lhiredis"], check=True, timeout=60
    )
    return str(program)


def test_hiredis(client, subject, hiredis_program):
    done = subprocess.run(
        [hiredis_program, subject.address[0], str(subject.port)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"all checks hold" in done.stdout


@pytest.fixture
def library(client, subject):
    connection = redis.Redis(*subject.address, decode_responses=True, socket_timeout=10)
    yield connection
    connection.close()


def test_strings(library, subject):
    assert library.set("k", "välue", ex=100)
    assert library.get("k") == "välue"
    assert 0 < library.ttl("k") <= 100
    assert library.set("k", "w", nx=True) is None
    assert library.set("k", "w", xx=True, keepttl=True, get=True) == "välue"
    assert library.mset({"a": 1, "b": 2.5})
    assert library.mget("a", "b", "nokey") == ["1", "2.5", None]
    assert library.incrbyfloat("b", 0.25) == 2.75
    assert library.getex("a", ex=50) == "1"
    assert library.getdel("a") == "1"
    assert library.append("k", "!") == 2
    assert library.setrange("k", 1, "xyz") == 4
    assert library.getrange("k", 0, -1) == "wxyz"
    raw = redis.Redis(*subject.address, socket_timeout=10)
    payload = bytes(range(256))
    assert raw.set(payload, payload) and raw.get(payload) == payload
    raw.close()


def test_keys_and_iteration(library):
    library.mset({f"user:{i}": i for i in range(1000)})
    assert sorted(library.scan_iter("user:*", count=37)) == sorted(f"user:{i}" for i in range(1000))
    assert len(list(library.scan_iter("user:1??", _type="string"))) == 100
    assert library.keys("user:99?") and library.dbsize() == 1000
    assert library.rename("user:1", "renamed") and library.exists("user:1", "renamed") == 1
    assert library.copy("renamed", "copied") and library.get("copied") == "1"
    assert library.expire("copied", 100, nx=True) and library.persist("copied")
    assert library.unlink("copied", "renamed") == 2
    assert library.object("encoding", "user:5") == "int"
    assert library.memory_usage("user:5") > 0


def test_pipeline_without_transaction(library):
    pipe = library.pipeline(transaction=False)
    for i in range(2000):
        pipe.set(f"p:{i}", i).get(f"p:{i}")
    replies = pipe.execute()
    assert replies[1::2] == [str(i) for i in range(2000)]
    pipe = library.pipeline(transaction=False)
    pipe.set("text", "x").incr("text").get("text")
    good, bad, after = pipe.execute(raise_on_error=False)
    assert (good, after) == (True, "x") and isinstance(bad, redis.ResponseError)


def test_server_commands(library):
    assert library.ping() and library.echo("hello") == "hello"
    info = library.info()
    assert info["redis_version"] and info["connected_clients"] >= 1
    assert library.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert library.config_set("timeout", 0)
    assert library.client_setname("tester") and library.client_getname() == "tester"
    assert any(c["name"] == "tester" for c in library.client_list())
    assert isinstance(library.time(), tuple)
    assert library.command_count() > 70 and "get" in library.command()
    assert library.slowlog_len() >= 0 and isinstance(library.slowlog_get(1), list)
    assert library.memory_stats()["keys.count"] == 0
    with pytest.raises(redis.ResponseError, match="unknown command"):
        library.execute_command("NOSUCH")


def test_connection_pool_over_threads(client, subject):
    pool = redis.ConnectionPool(
        host=subject.address[0], port=subject.port, max_connections=8, socket_timeout=10
    )
    failures = []

    def work():
        try:
            connection = redis.Redis(connection_pool=pool)
            for _ in range(300):
                connection.incr("n")
        except Exception as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    pool.disconnect()
    assert not failures
    assert client.ok("GET", "n") == b"2400"


def test_locks_by_set_nx_px(library, subject):
    """The classic lock: one holder at a time, its section never overlaps another's."""
    inside, worst, failures = [0], [0], []

    def work():
        try:
            connection = redis.Redis(*subject.address, socket_timeout=10)
            for _ in range(40):
                token = uuid.uuid4().hex
                while not connection.set("lock", token, nx=True, px=5000):
                    pass
                inside[0] += 1
                worst[0] = max(worst[0], inside[0])
                connection.incr("guarded")
                inside[0] -= 1
                assert connection.get("lock") == token.encode()
                connection.delete("lock")
            connection.close()
        except Exception as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and worst == [1]
    assert library.get("guarded") == "160"
    assert library.set("lock", "stale", nx=True, px=30)
    assert not library.set("lock", "next", nx=True)
    assert library.pttl("lock") <= 30


def test_databases_and_url(library, subject):
    other = redis.Redis.from_url(
        f"redis://{subject.address[0]}:{subject.port}/7", socket_timeout=10, client_name="url"
    )
    other.set("k", "seven")
    assert library.get("k") is None
    assert other.client_getname() == "url"
    assert other.move("k", 0) and library.get("k") == "seven"
    library.swapdb(0, 7)
    assert other.get("k") == b"seven"
    other.close()
