"""Command cases, one module per family. Each module's CASES maps a command (a subcommand as
'CLIENT|ID') to its cases; a new command needs an entry here, or test_coverage.py fails."""

from typing import Dict, List

from cases import (
    any_type,
    bitfields,
    bitmaps,
    blocking,
    client,
    command,
    command_keys,
    config,
    connection,
    debug,
    dump,
    expire,
    geo,
    hash_expire,
    hashes,
    hyperloglogs,
    keys,
    list_moves,
    lists,
    long_strings,
    monitoring,
    numbers,
    ordered,
    scan,
    server,
    set_algebra,
    set_options,
    sets,
    sort,
    sorted_set_algebra,
    sorted_set_pops,
    sorted_set_ranges,
    sorted_sets,
    standalone,
    stream_groups,
    stream_pending,
    stream_reads,
    streams,
    strings,
    substrings,
    transactions,
    wrongtype,
)
from support.case import Case

FAMILIES = {
    module.__name__.split(".")[-1]: module.CASES
    for module in (
        standalone,
        strings,
        set_options,
        numbers,
        substrings,
        long_strings,
        geo,
        hyperloglogs,
        bitfields,
        bitmaps,
        keys,
        any_type,
        dump,
        sort,
        lists,
        list_moves,
        expire,
        hashes,
        hash_expire,
        sets,
        set_algebra,
        sorted_sets,
        sorted_set_ranges,
        sorted_set_algebra,
        sorted_set_pops,
        scan,
        connection,
        server,
        monitoring,
        config,
        command,
        command_keys,
        client,
        debug,
        streams,
        stream_reads,
        stream_groups,
        stream_pending,
        wrongtype,
        transactions,
        blocking,
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
