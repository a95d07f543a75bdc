"""SORT ALPHA in the order of a language: locale-collate, and the environment's locale."""

import shutil
import subprocess

import pytest

from support.resp import OK, Error, encode
from support.server import Server, oracle_binary, subject_binary

NAME = "en_US.UTF-8"
TEXTS = ["b", "A", "a", "B", "z", "Z", "a b", "ab", "a-c", "é", "e", "f", "Ä", "10", "9", ""]


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """A folder with a locale whose order is not that of the bytes."""
    if shutil.which("localedef") is None:
        pytest.skip("no localedef")
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "en_US", "-f", "UTF-8", str(folder / NAME)]
    subprocess.run(command, check=False, timeout=60, capture_output=True)
    if not (folder / NAME).exists():
        pytest.skip("localedef makes no locale here")
    return {"LOCPATH": str(folder)}


def _call(client, *command):
    client.send(encode(command))
    return client.read()


def _sorted(client):
    client.ok("DEL", "l")
    client.ok("RPUSH", "l", *TEXTS)
    client.ok("SADD", "s", *TEXTS)
    for i, text in enumerate(TEXTS):
        client.ok("SET", f"w:{text}", TEXTS[-1 - i])
    client.ok("SORT", "l", "ALPHA", "STORE", "stored")
    client.ok("SORT", "l", "BY", "w:*", "ALPHA", "STORE", "by weight")
    return [
        client.ok("SORT", "l", "ALPHA"),
        client.ok("SORT", "l", "ALPHA", "DESC"),
        client.ok("SORT", "s", "ALPHA"),
        client.ok("SORT", "l", "BY", "w:*", "ALPHA"),
        client.ok("LRANGE", "stored", 0, -1),
        client.ok("LRANGE", "by weight", 0, -1),
    ]


@pytest.mark.parametrize("variable", ["LC_ALL", "LC_COLLATE", "LANG"])
def test_of_the_environment(locales, variable):
    environment = {**locales, "LC_ALL": "", "LC_COLLATE": "", variable: NAME}
    orders = []
    for binary in (subject_binary(), oracle_binary()):
        with Server(binary, environment=environment) as server, server.client() as client:
            orders.append(_sorted(client))
    assert orders[0] == orders[1]
    assert orders[0][0] != sorted(orders[0][0])
    assert orders[0][4] == sorted(orders[0][4])


@pytest.mark.mantis_only
def test_by_option(locales, launch):
    server = launch("--locale-collate", NAME, environment={**locales, "LC_ALL": "C"})
    with server.client() as client:
        ordered = _sorted(client)[0]
        assert ordered != sorted(ordered)
        error = _call(client, "CONFIG", "SET", "locale-collate", "xx_YY")
        assert isinstance(error, Error) and b"locale-collate" in error.text
        assert client.ok("CONFIG", "GET", "locale-collate")[1] == NAME.encode()
        assert _sorted(client)[0] == ordered
        assert client.ok("CONFIG", "SET", "locale-collate", "C") == OK
        assert _sorted(client)[0] == sorted(ordered)
        assert client.ok("CONFIG", "SET", "locale-collate", NAME) == OK
        assert _sorted(client)[0] == ordered


@pytest.mark.mantis_only
def test_an_unknown_locale_is_refused_at_the_start():
    command = [subject_binary(), "--port", "0", "--locale-collate", "xx_YY"]
    end = subprocess.run(command, check=False, timeout=20, capture_output=True)
    assert end.returncode != 0
    assert b"xx_YY" in end.stdout + end.stderr
