"""Command cases, one module per family. Each module's CASES maps a command (a subcommand as
'CLIENT|ID') to its cases; a new command needs an entry here, or test_coverage.py fails."""

from typing import Dict, List

from cases import (
    client,
    command,
    config,
    connection,
    debug,
    expire,
    keys,
    monitoring,
    numbers,
    ordered,
    scan,
    server,
    set_options,
    strings,
    substrings,
    wrongtype,
)
from support.case import Case

FAMILIES = {
    module.__name__.split(".")[-1]: module.CASES
    for module in (
        strings,
        set_options,
        numbers,
        substrings,
        keys,
        expire,
        scan,
        connection,
        server,
        monitoring,
        config,
        command,
        client,
        debug,
        wrongtype,
        ordered,
    )
}


def all_cases() -> Dict[str, List[Case]]:
    """Every case by command."""
    merged: Dict[str, List[Case]] = {}
    for table in FAMILIES.values():
        for name, cases in table.items():
            merged.setdefault(name, []).extend(cases)
    return merged
