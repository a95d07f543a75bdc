"""Fixtures: long-lived servers for the command cases, and a factory for tests that need their own."""

import shutil

import pytest

from support.server import Server, is_mantis, oracle_binary, subject_binary

# DEBUG is off by default in Redis 7; the command cases use it.
CASE_FLAGS = ("--enable-debug-command", "yes")


def pytest_collection_modifyitems(items):
    for binary in (subject_binary(), oracle_binary()):
        if shutil.which(binary) is None:
            pytest.exit(
                f"{binary} is not there: build it, or name it by MANTISD or REDIS_SERVER", 2
            )
    if is_mantis(subject_binary()):
        return
    skip = pytest.mark.skip(reason="only mantisd has this, and another server is under test")
    for item in items:
        if item.get_closest_marker("mantis_only"):
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in Server.live:
            report.sections.append(
                (f"log of {' '.join(server.command_line())}", server.log_tail(2000))
            )


@pytest.fixture(scope="session")
def _shared_subject():
    server = Server(subject_binary(), *CASE_FLAGS).start()
    yield server
    server.close()


@pytest.fixture
def subject(_shared_subject):
    """The server under test, shared by tests that leave no trace but their keys.

    If it dies, the test during which it did fails, and the next one gets a fresh process.
    """
    yield _shared_subject
    if not _shared_subject.running():
        code, log = _shared_subject.process.returncode, _shared_subject.log_tail()
        _shared_subject.kill()
        _shared_subject.start()
        pytest.fail(f"the server under test died ({code}), see {_shared_subject.directory}:\n{log}")


@pytest.fixture(scope="session")
def oracle():
    with Server(oracle_binary(), *CASE_FLAGS) as server:
        yield server


@pytest.fixture(scope="session")
def mantis():
    """Whether mantisd is under test (and not a second redis-server)."""
    return is_mantis(subject_binary())


@pytest.fixture
def launch():
    """Starts servers under test for one test, and ends them after it."""
    started = []

    def start(*flags, **more):
        server = Server(subject_binary(), *flags, **more)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.close()


@pytest.fixture
def client(subject):
    """A connection to the shared server with an empty data set."""
    with subject.client() as connection:
        connection.ok("FLUSHALL")
        yield connection
