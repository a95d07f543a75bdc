"""Runs every command case against the server under test and the oracle, in RESP2 and RESP3."""

import pytest

from cases import FAMILIES
from support.case import run_case
from support.resp import is_null


def _parameters():
    for family, table in FAMILIES.items():
        for command, cases in table.items():
            for one in cases:
                for protocol in one.protocols:
                    # Literal expectations are newer than the oracle, or not in it at all.
                    ours = one.own or any(step.literal for step in one.steps)
                    marks = [pytest.mark.mantis_only] if ours else []
                    yield pytest.param(
                        one,
                        protocol,
                        id=f"{family}/{command}/{one.name}/RESP{protocol}",
                        marks=marks,
                    )


@pytest.fixture
def knows(subject):
    """Whether the server under test has a command yet."""

    def known(command):
        with subject.client() as client:
            return not is_null(client.ok("COMMAND", "INFO", command)[0])

    return known


@pytest.mark.parametrize("one, protocol", _parameters())
def test_case(one, protocol, subject, oracle, knows):
    if one.requires and not knows(one.requires):
        pytest.skip(f"needs {one.requires}, which the server under test does not have")
    run_case(one, protocol, subject, oracle)
