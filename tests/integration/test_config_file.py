"""Configuration from files, environment and flags; mistakes in them; CONFIG REWRITE."""

import subprocess
from pathlib import Path

import pytest

from support.resp import OK
from support.server import Server, subject_binary

DEBIAN_CONF = Path("/etc/redis/redis.conf")

GOOD = """
# A comment, and an empty line

maxclients 123
timeout    45
maxmemory 10mb
maxmemory-policy allkeys-lru
slowlog-log-slower-than -1
client-output-buffer-limit normal 1mb 512kb 60
save 900 1
requirepass "with \\x41 blank"
"""


def options(client, *names):
    flat = client.ok("CONFIG", "GET", *names)
    return {k.decode(): v.decode() for k, v in zip(flat[::2], flat[1::2])}


def check_config(tmp_path, text, *flags):
    path = tmp_path / "checked.conf"
    path.write_text(text)
    return subprocess.run(
        [subject_binary(), str(path), *flags, "--check-config"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=15,
        check=False,
    )


def refuses(text=None, *flags):
    """What a server that must not start says."""
    server = Server(subject_binary(), *flags, config_text=text)
    try:
        with pytest.raises(AssertionError, match="did not start"):
            server.start()
        assert server.process.returncode not in (0, None)
        return server.log_tail()
    finally:
        server.close()


def test_file(launch):
    server = launch(config_text=GOOD, save=None, password="with A blank")
    with server.client() as client:
        assert options(
            client,
            "maxclients",
            "timeout",
            "maxmemory",
            "maxmemory-policy",
            "slowlog-log-slower-than",
            "save",
        ) == {
            "maxclients": "123",
            "timeout": "45",
            "maxmemory": "10485760",
            "maxmemory-policy": "allkeys-lru",
            "slowlog-log-slower-than": "-1",
            "save": "900 1",
        }
        limits = options(client, "client-output-buffer-limit")["client-output-buffer-limit"]
        assert limits.startswith("normal 1048576 524288 60")


def test_flags_win_over_the_file(launch):
    server = launch("--timeout", "7", config_text="timeout 5\nmaxclients 50\n")
    with server.client() as client:
        assert options(client, "timeout", "maxclients") == {"timeout": "7", "maxclients": "50"}


def test_bigger_flags(launch):
    server = launch(
        "--maxmemory", "2gb", "--maxmemory-policy", "volatile-ttl", "--appendonly", "no"
    )
    with server.client() as client:
        assert options(client, "maxmemory", "maxmemory-policy") == {
            "maxmemory": "2147483648",
            "maxmemory-policy": "volatile-ttl",
        }


@pytest.mark.mantis_only
def test_environment_lies_between_file_and_flags(launch):
    server = launch(
        "--timeout",
        "30",
        config_text="timeout 10\nmaxclients 100\nslowlog-max-len 10\n",
        environment={
            "MANTIS_TIMEOUT": "20",
            "MANTIS_MAXCLIENTS": "200",
            "MANTIS_MAXMEMORY_POLICY": "allkeys-lfu",
        },
    )
    with server.client() as client:
        assert options(client, "timeout", "maxclients", "slowlog-max-len", "maxmemory-policy") == {
            "timeout": "30",
            "maxclients": "200",
            "slowlog-max-len": "10",
            "maxmemory-policy": "allkeys-lfu",
        }


def test_include(launch, tmp_path):
    (tmp_path / "more.conf").write_text("timeout 99\n")
    server = launch(config_text=f"timeout 1\ninclude {tmp_path}/more.conf\n")
    with server.client() as client:
        assert options(client, "timeout") == {"timeout": "99"}


def test_bad_files_are_fatal():
    assert "3" in refuses("timeout 1\n\nmaxclientz 5\n")
    refuses("timeout never\n")
    refuses("maxmemory-policy sometimes\n")
    refuses('requirepass "open quote\n')
    refuses("timeout\n")


def test_bad_flags_are_fatal():
    refuses(None, "--nosuchflag", "1")
    refuses(None, "--timeout", "never")
    refuses(None, "--maxmemory-policy", "sometimes")


def test_missing_file_is_fatal(tmp_path):
    done = subprocess.run(
        [subject_binary(), str(tmp_path / "nosuch.conf")],
        capture_output=True,
        timeout=15,
        check=False,
    )
    assert done.returncode != 0


@pytest.mark.mantis_only
def test_check_config(tmp_path):
    assert check_config(tmp_path, GOOD).returncode == 0
    bad = check_config(tmp_path, "timeout 1\n\nmaxmemory-polcy allkeys-lru\n")
    text = bad.stdout.decode()
    assert bad.returncode != 0
    assert "3" in text and "maxmemory-polcy" in text and "maxmemory-policy" in text
    assert check_config(tmp_path, "timeout x\n").returncode != 0
    assert check_config(tmp_path, "", "--timeout", "x").returncode != 0


@pytest.mark.mantis_only
def test_misspelt_flag_names_the_nearest():
    assert "--maxclients" in refuses(None, "--maxclient", "5").replace(
        "'maxclients'", "--maxclients"
    )


@pytest.mark.mantis_only
def test_directives_for_later_are_one_warning_for_each_reason(launch):
    server = launch(
        config_text="cluster-enabled no\nreplica-read-only yes\nactiverehashing yes\ntimeout 3\n"
    )
    warnings = [line for line in server.log_tail().splitlines() if "without effect" in line]
    assert len(warnings) == 2
    assert warnings[0].endswith(": activerehashing")
    assert warnings[1].endswith(": replica-read-only")
    with server.client() as client:
        assert options(client, "timeout") == {"timeout": "3"}


@pytest.mark.skipif(not DEBIAN_CONF.exists(), reason="Debian's redis.conf is not installed")
def test_an_existing_redis_conf_starts_the_server(launch, tmp_path):
    lines = DEBIAN_CONF.read_text().splitlines()
    text = "\n".join(
        line
        for line in lines
        if line.split(" ")[0] not in ("daemonize", "logfile", "pidfile", "supervised")
    )
    server = launch("--dbfilename", "dump.test", config_text=text)
    with server.client() as client:
        assert client.cmd("SET", "k", "v") == OK


def test_rewrite_keeps_comments_and_survives_a_restart(launch, tmp_path):
    server = launch(
        directory=tmp_path, config_text="# keep me\ntimeout 5\nmaxclients 50\n", save=None
    )
    with server.client() as client:
        client.ok("CONFIG", "SET", "timeout", "77", "maxmemory", "5mb")
        assert client.cmd("CONFIG", "REWRITE") == OK
    server.stop()
    text = (tmp_path / "test.conf").read_text()
    assert "# keep me" in text and "timeout 77" in text and "maxclients 50" in text
    again = launch(directory=tmp_path, config_text=text, save=None)
    with again.client() as client:
        assert options(client, "timeout", "maxclients", "maxmemory") == {
            "timeout": "77",
            "maxclients": "50",
            "maxmemory": "5242880",
        }


def test_every_option_can_be_set_to_what_it_is(launch):
    """What CONFIG GET shows, CONFIG SET takes back, unless the option is fixed at start."""
    server = launch()
    with server.client() as client:
        for name, value in options(client, "*").items():
            reply = client.cmd("CONFIG", "SET", name, value)
            if reply != OK:
                assert (
                    b"can't set immutable config" in reply.text or b"protected config" in reply.text
                ), (name, value, reply)
