"""Every command case once more, each step as a transaction of its own: a queued command answers what
it answers outside, and touches no key that EXEC has not locked (which debug builds assert)."""

import time

import pytest

from cases import FAMILIES
from support.case import compare_step, sides
from support.resp import Error

# These act at once, are refused, or end the connection; or the reply is about being in MULTI. CLIENT
# REPLY is refused there, as by later versions of Redis, since it would break EXEC's reply.
OUTSIDE = {
    b"MULTI", b"EXEC", b"DISCARD", b"WATCH", b"UNWATCH", b"QUIT", b"RESET", b"SHUTDOWN", b"MONITOR",
    b"HELLO", b"AUTH", b"BGSAVE", b"CONFIG",
}  # fmt: skip
ABOUT_MULTI = {b"CLIENT": {b"INFO", b"LIST", b"REPLY"}}


def _fits(one):
    for item in one.steps:
        if not item.answered or item.closes:
            return False
        if item.args and item.args[0].upper() in OUTSIDE:
            return False
        if len(item.args) > 1 and item.args[1].upper() in ABOUT_MULTI.get(item.args[0].upper(), ()):
            return False
    return True


def _transact(side, item):
    client = side.client(item.connection)
    client.ok("MULTI")
    queued = client.cmd(*item.args)
    if isinstance(queued, Error):
        client.ok("DISCARD")
        return queued
    (reply,) = client.ok("EXEC")
    return reply


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_family(family, subject, oracle, mantis):
    problems = []
    for listed in FAMILIES[family].values():
        for one in filter(_fits, listed):
            # Another server under test lacks what only mantisd has.
            if not mantis and (one.own or any(item.literal for item in one.steps)):
                continue
            with sides(one, 2, subject, oracle) as (ours, theirs):
                for item in one.steps:
                    if item.rest_s:
                        time.sleep(item.rest_s)
                        continue
                    expected = _transact(theirs, item) if theirs else None
                    problem = compare_step(item, 2, _transact(ours, item), expected)
                    if problem:
                        problems.append(f"{one.name}: {item.shown()}\n    {problem}")
    assert not problems, "\n".join(problems)
