"""Options that promise something hold it or stop the start; commands by other names; secrets."""

import subprocess

import pytest

from support.resp import Error
from support.server import REPOSITORY, Server, oracle_binary, subject_binary

RENAMES = (
    ("FLUSHALL", ""),
    ("CONFIG", "cfg-7f3"),
    ("GET", "fetch"),
    ("DEL", "abcdefghij"),  # as long as "config|get"
    ("EXEC", "run-it"),
)


def check(*arguments, environment=None, text=None):
    """Exit code and output of --check-config."""
    done = subprocess.run(
        [subject_binary(), *arguments, "--check-config"],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=15,
        check=False,
        env=environment,
    )
    return done.returncode, done.stdout.decode()


def start_fails(*arguments):
    """Exit code and output of a server that must not start."""
    done = subprocess.run(
        [subject_binary(), "--port", "1", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=15,
        check=False,
    )
    return done.returncode, done.stdout.decode()


REFUSED = (
    ("--appendonly", "yes"),
    ("--user", "alice", "on", ">x", "~*", "+@all"),
    ("--aclfile", "/etc/users.acl"),
    ("--loadmodule", "/no/such.so"),
    ("--masterauth", "x"),
    ("--replicaof", "127.0.0.1", "6379"),
    ("--slaveof", "127.0.0.1", "6379"),
    ("--cluster-enabled", "yes"),
    ("--tls-port", "6380"),
    ("--min-replicas-to-write", "1"),
    ("--syslog-enabled", "yes"),
    ("--rename-command", "NOSUCH", "x"),
    ("--rename-command", "GET", "SET"),
    ("--timeout", "5", "-v", "/foo:/data"),
)


@pytest.mark.mantis_only
@pytest.mark.parametrize("arguments", REFUSED, ids=lambda a: " ".join(a)[2:])
def test_the_start_is_refused(arguments):
    code, output = start_fails(*arguments)
    assert code == 1
    checked, said = check(*arguments)
    assert checked == 1
    assert said == output


@pytest.mark.mantis_only
def test_config_set_refuses_as_the_start_does(subject):
    with subject.client() as client:
        for name, value in (("appendonly", "yes"), ("masterauth", "x"), ("tls-port", "6380")):
            reply = client.cmd("CONFIG", "SET", name, value)
            assert isinstance(reply, Error), name
            assert reply.text.startswith(
                b"ERR CONFIG SET failed (possibly related to argument '%s') - there is no"
                % name.encode()
            )
        assert client.ok("CONFIG", "GET", "appendonly") == [b"appendonly", b"no"]
        client.ok("CONFIG", "SET", "appendonly", "no")


@pytest.mark.mantis_only
def test_the_way_to_go_on(tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("appendonly yes\n")
    assert check(str(conf))[0] == 1
    assert check(str(conf), "--appendonly", "no")[0] == 0
    assert check("-", text=b"appendonly no\n")[0] == 0
    assert check("--user", "default", "on", "nopass", "~*", "&*", "+@all")[0] == 0


SECRET_LINES = (
    "USER bob >s3cret",
    "user bob on >s3cret",
    '"requirepass" s3cret x',
    "requirepass s3cret x",
    "requirepass=s3cret",
    "Requirepass:s3cret",
    "requirepass\"s3cret\"",
    "requirpass s3cret",
    '"requirepass s3cret',
    "sentinel auth-pass mymaster s3cret",
)


@pytest.mark.mantis_only
@pytest.mark.parametrize("line", SECRET_LINES)
def test_no_password_is_shown_in_what_is_wrong(line):
    code, output = check("-", text=f"timeout 0\n{line}\n".encode())
    assert code == 1 and "standard input:2" in output
    assert "s3cret" not in output


@pytest.mark.mantis_only
def test_a_sign_between_name_and_value_is_pointed_out():
    for line in ("timeout=5", "requirepass:s3cret"):
        code, output = check("-", text=f"{line}\n".encode())
        assert code == 1 and "a blank goes between the name and its value" in output
        assert "did you mean" not in output


@pytest.mark.mantis_only
def test_no_password_of_a_mistyped_flag_is_shown():
    for flag in ("--requirepass:s3cret", "--requirpass=s3cret", "-requirepass=s3cret"):
        code, output = check(flag)
        assert code == 1 and "s3cret" not in output, output


def entered(tmp_path, *arguments):
    """What the entry point of the image makes of these arguments, as --check-config shows it."""
    (tmp_path / "mantisd").write_text(f'#!/bin/sh\nexec {subject_binary()} --check-config "$@"\n')
    (tmp_path / "mantisd").chmod(0o755)
    (tmp_path / "data").mkdir(exist_ok=True)
    script = (REPOSITORY / "docker" / "entrypoint.sh").read_text()
    assert "dir /data" in script
    (tmp_path / "entrypoint.sh").write_text(script.replace("dir /data", f"dir {tmp_path}/data"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", str(tmp_path / "entrypoint.sh"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=15,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.decode()


@pytest.mark.mantis_only
def test_the_image_opens_to_all_only_without_a_file(tmp_path):
    config = tmp_path / "redis.cfg"
    config.write_text("timeout 9\n")
    for arguments in (
        ("redis-server", str(config)),
        ("mantisd", str(config), "--port", "1"),
        ("--port", "1", str(config)),
        ("--logfile", "x.conf", str(config)),
    ):
        output = entered(tmp_path, *arguments)
        assert f"File: {config}" in output and "timeout 9" in output
        assert "bind" not in output and "protected-mode" not in output, arguments
    for arguments in ((), ("--logfile", "x.conf"), ("redis-server", "--port", "1")):
        output = entered(tmp_path, *arguments)
        assert "0.0.0.0" in output and "protected-mode no" in output, arguments
        assert f'dir "{tmp_path}/data"' in output
    # A flag wins over the image's defaults.
    output = entered(tmp_path, "--protected-mode", "yes", "--bind", "127.0.0.1")
    assert "0.0.0.0" not in output and "protected-mode" not in output


@pytest.mark.mantis_only
def test_variables_of_a_kubernetes_service(launch):
    links = {"MANTIS_PORT": "tcp://10.0.0.1:6379", "MANTIS_SERVICE_HOST": "10.0.0.1"}
    server = launch(environment=links)  # with --port
    assert "look like those of a Kubernetes service" in server.log_tail()
    probe = subprocess.run(
        [subject_binary(), "--ping", "--port", str(server.port)],
        env=links,
        stdout=subprocess.PIPE,
        timeout=15,
        check=False,
    )
    assert (probe.returncode, probe.stdout) == (0, b"PONG\n")
    assert check(environment=links)[0] == 0


@pytest.fixture(scope="module")
def renamed():
    """Both servers with the same commands renamed."""
    flags = [word for pair in RENAMES for word in ("--rename-command", *pair)]
    servers = [Server(binary, *flags).start() for binary in (subject_binary(), oracle_binary())]
    yield servers
    for server in servers:
        server.close()


RENAMED_COMMANDS = (
    "FLUSHALL",
    "CONFIG GET port2",
    "CFG-7f3 GET port2",
    "cfg-7f3 NOPE",
    "cfg-7f3 GET",
    "SET k v",
    "GET k",
    "fetch k",
    "FETCH",
    "fetch a b",
    "DEL k",
    # Twice each, so that what the first left behind for the second one shows.
    "abcdefghij k",
    "ABCDEFGHIJ k",
    "abcdefghij k",
    "cfg-7f3 SET timeout 0",
    "cfg-7f3 GET timeout",
    "cfg-7f3 SET timeout 0",
    "MULTI",
    "fetch k",
    "EXEC",
    "run-it",
    "MULTI",
    "fetch k",
    "run-it",
    "COMMAND INFO get",
    "COMMAND INFO flushall",
    "COMMAND GETKEYS fetch k",
    "COMMAND GETKEYS get k",
    "COMMAND LIST FILTERBY PATTERN getdel",
    "COMMAND LIST FILTERBY PATTERN fetch",
    "COMMAND LIST FILTERBY PATTERN flushall",
    "COMMAND LIST FILTERBY PATTERN config",
    "COMMAND DOCS flushall",
)


def test_commands_by_other_names(renamed):
    subject, oracle = renamed
    with subject.client() as ours, oracle.client() as theirs:
        for line in RENAMED_COMMANDS:
            words = line.split()
            assert ours.cmd(*words) == theirs.cmd(*words), line


def test_who_is_who_after_renaming(renamed):
    answers = []
    for server in renamed:
        with server.client() as client:
            client.cmd("fetch", "k")
            info = client.ok("COMMAND", "INFO", "fetch", "cfg-7f3|get", "run-it")
            docs = client.ok("COMMAND", "DOCS", "fetch")
            client.cmd("get", "k")
            stats = server.info("commandstats")
            answers.append(
                {
                    "info": [entry and entry[0] for entry in info],
                    "docs": docs[0],
                    "counted": "cmdstat_get" in stats,
                    "other": "cmdstat_fetch" in stats,
                }
            )
    assert answers[0] == answers[1]
    assert answers[0]["info"] == [b"get", b"config|get", b"exec"]


def test_passwords_stay_out_of_the_slow_log(launch):
    server = launch("--slowlog-log-slower-than", "0", "--slowlog-max-len", "1000")
    secret = "hunter2"
    with server.client() as client:
        for name in (
            "requirepass",
            "masterauth",
            "masteruser",
            "tls-key-file-pass",
            "tls-client-key-file-pass",
        ):
            client.cmd("CONFIG", "SET", "timeout", "9", name.upper(), secret, "hz", "10")
            client.cmd("CONFIG", "SET", name, secret, "more")
            client.cmd("AUTH", secret)
            client.cmd("CONFIG", "SET", "requirepass", "")
        client.cmd("AUTH", "default", secret)
        client.cmd("HELLO", "2", "AUTH", "default", secret, "SETNAME", "me")
        client.cmd("HELLO", "2", "SETNAME", "me", "AUTH", "default", secret)
        client.cmd("HELLO", "3", "SETNAME", "AUTH", "AUTH", "default", secret)
        client.cmd("HELLO", "AUTH", "default", secret)
        client.cmd("HELLO", "2", "AUTH", secret)
        entries = [entry[3] for entry in client.ok("SLOWLOG", "GET", "-1")]
    assert not [words for words in entries if any(secret.encode() in word for word in words)]
    told = [b"CONFIG", b"SET", b"timeout", b"9", b"MASTERAUTH", b"(redacted)", b"hz", b"10"]
    assert told in entries
    assert secret not in server.log_tail()


def test_a_refused_set_names_the_option_that_could_not_be_applied(subject, oracle):
    for server in (subject, oracle):
        with server.client() as client:
            reply = client.cmd("CONFIG", "SET", "timeout", "3", "maxclients", "100000000")
            assert b"argument 'maxclients'" in reply.text
            assert client.ok("CONFIG", "GET", "timeout")[1] == b"0"


HOST_NAMES = ("bad host", "a" * 256, "a" * 255, "a_b", "ok.host-1", "")
TEMPLATES = ("{bad", "{nope}", "x{title}", "", "{}", "a}b", "{title}", "{port} {title}", "{{x", " ")
SIZES = (
    *("", "mb", "0", "1", str(2**63 - 1), str(2**63), str(2**64 - 200), "9000000000gb", "-1"),
    *("1.5mb", "1 mb", "+1", "%", "0%", "5%", "101%"),
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cluster-announce-hostname", HOST_NAMES),
        ("proc-title-template", TEMPLATES),
        *(
            (name, SIZES)
            for name in (
                *("proto-max-bulk-len", "client-query-buffer-limit", "repl-backlog-size"),
                *("active-defrag-ignore-bytes", "maxmemory-clients"),
            )
        ),
    ],
)
def test_values_are_checked_as_redis_checks_them(launch, name, values):
    mantis = launch()
    with Server(oracle_binary()) as redis, mantis.client() as ours, redis.client() as theirs:
        for value in values:
            replies = [c.cmd("CONFIG", "SET", name, value) for c in (ours, theirs)]
            assert replies[0] == replies[1], (name, value)
            assert ours.ok("CONFIG", "GET", name) == theirs.ok("CONFIG", "GET", name), value


@pytest.mark.mantis_only
def test_sizes_beyond_the_largest_are_the_largest(launch):
    with launch().client() as client:
        for value, kept in (("", "0"), ("mb", "0"), (str(2**63), str(2**63 - 1))):
            client.ok("CONFIG", "SET", "maxmemory", value)
            assert client.ok("CONFIG", "GET", "maxmemory")[1].decode() == kept


def test_active_defragmentation_is_refused(subject):
    with subject.client() as client:
        reply = client.cmd("CONFIG", "SET", "activedefrag", "yes")
        assert b"Active defragmentation cannot be enabled" in reply.text
        client.ok("CONFIG", "SET", "activedefrag", "no")
