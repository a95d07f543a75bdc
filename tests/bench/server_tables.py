"""The tables of server_bench.py, as Markdown. The first label is what the others are compared with."""

from typing import Dict, List, Tuple

Cell = Tuple[int, str, int, str]  # loaders, test, pipeline, server

# Largest CPU time per operation and least throughput, both as multiples of Redis's.
CPU_GOALS = {1: 1.0, 16: 0.8, 64: 0.7}
THROUGHPUT_GOALS = {1: 1.0, 16: 1.3, 64: 1.5}
MEMORY_GOAL = 136  # bytes per key
LISTING_GOAL = 500  # times faster than Redis


def _table(heads: List[str], rows: List[List[str]], text_columns: int = 1) -> str:
    rule = ["---" if i < text_columns else "---:" for i in range(len(heads))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, rule, *rows])


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}×" if base > 0 else "n/a"


def _from(loaders: int) -> str:
    return "1 process" if loaders == 1 else f"{loaders} processes"


def load_table(cells: Dict[Cell, Dict[str, float]], loaders: int, labels: List[str]) -> str:
    heads = ["command", "server", "pipeline", "k commands/s", "÷ Redis", "p50 ms", "p99 ms"]
    heads += ["CPU µs/command", "÷ Redis"]
    rows = []
    for number, test, pipeline, label in cells:
        if number != loaders:
            continue
        cell = cells[loaders, test, pipeline, label]
        base = cells[loaders, test, pipeline, labels[0]]
        rows.append(
            [
                "MSET of 10" if test == "mset" else test.removesuffix("_mbulk").upper(),
                label,
                str(pipeline),
                f"{cell['rps'] / 1000:.1f}",
                _ratio(cell["rps"], base["rps"]),
                f"{cell['p50']:.2f}",
                f"{cell['p99']:.2f}",
                f"{cell['cpu_us']:.2f}",
                _ratio(cell["cpu_us"], base["cpu_us"]),
            ]
        )
    return f"\nUnder load from {_from(loaders)} of redis-benchmark:\n\n" + _table(heads, rows, 2)


def listing_table(listing: Dict[str, Dict[str, float]], labels: List[str]) -> str:
    rows = []
    for how in ("keys", "scan"):
        name = "KEYS prefix*" if how == "keys" else "SCAN … MATCH prefix*, to the end"
        for label in labels:
            ms, base = listing[label][how], listing[labels[0]][how]
            rows.append([name, label, f"{ms:.3f}", f"{base / ms:.0f}×"])
    heads = ["listing", "server", "ms", "faster than Redis"]
    return "\nListing the 100 keys of one prefix:\n\n" + _table(heads, rows, 2)


def memory_table(memory: Dict[str, float]) -> str:
    rows = [
        [name, f"{value:.1f}", _ratio(value, memory["redis"])] for name, value in memory.items()
    ]
    return (
        "\nMemory (`used_memory`) per key of 16 bytes with a value of 32 bytes:\n\n"
        + _table(["server", "bytes per key", "÷ Redis"], rows)
    )


def goals_table(
    cells: Dict[Cell, Dict[str, float]],
    labels: List[str],
    listing: Dict[str, Dict[str, float]],
    memory: Dict[str, float],
) -> str:
    rows = []

    def add(what: str, wanted: str, got: str, reached: bool) -> None:
        rows.append([what, wanted, got, "yes" if reached else "**no**"])

    # A server of one core under a load from one core, a server of all cores under one from all.
    redis, one, every = labels
    few, many = min(cell[0] for cell in cells), max(cell[0] for cell in cells)
    for loaders, test, pipeline, label in cells:
        if label == redis:
            continue
        cell, base = (cells[loaders, test, pipeline, name] for name in (label, redis))
        what = f"{test.upper()}, pipeline {pipeline}, from {_from(loaders)}, {label}"
        cpu, throughput = cell["cpu_us"] / base["cpu_us"], cell["rps"] / base["rps"]
        if test in ("get", "set") and pipeline in CPU_GOALS:
            if loaders != (few if label == one else many):
                continue
            most, least = CPU_GOALS[pipeline], THROUGHPUT_GOALS[pipeline]
            add(f"CPU per {what}", f"≤ {most:.1f}×", f"{cpu:.3f}×", cpu <= most)
            if label == every:
                add(f"throughput of {what}", f"≥ {least:.1f}×", f"{throughput:.3f}×", throughput >= least)
        elif pipeline == 16:
            add(f"CPU per {what}", "≤ 1.0×", f"{cpu:.3f}×", cpu <= 1)
    used = memory["mantisd"]
    add("bytes per key", f"≤ {MEMORY_GOAL}", f"{used:.1f}", used <= MEMORY_GOAL)
    faster = listing[redis]["keys"] / listing[every]["keys"]
    add("KEYS prefix*, times faster", f"≥ {LISTING_GOAL}", f"{faster:.0f}", faster >= LISTING_GOAL)
    heads = ["goal", "wanted", "measured", "reached"]
    return "\nAgainst the goals:\n\n" + _table(heads, rows)


def memory_by_type_table(cells: Dict[Tuple[str, int, int], Dict[str, float]]) -> str:
    rows = [
        [
            name,
            f"{keys:,}",
            f"{elements:,}",
            f"{cell['redis']:.1f}",
            f"{cell['mantisd']:.1f}",
            _ratio(cell["mantisd"], cell["redis"]),
        ]
        for (name, keys, elements), cell in cells.items()
    ]
    heads = ["type", "keys", "elements each", "Redis, bytes/element", "mantisd, bytes/element", "÷ Redis"]
    return _table(heads, rows)


def stall_table(cells: Dict[Tuple[str, str], Tuple[float, float, float]]) -> str:
    """(command, server) -> seconds of the command, longest wait of others, their 99.9th
    percentile. Nothing for a server that does not know the command."""
    rows = []
    for name in dict.fromkeys(name for name, _ in cells):
        row = [name]
        for label in ("redis", "mantisd"):
            row += [f"{seconds * 1000:.1f}" for seconds in cells.get((name, label), ())] or ["–"] * 3
        rows.append(row)
    heads = ["command"]
    for label in ("Redis", "mantisd"):
        heads += [f"{label}, ms", "longest GET", "p99.9"]
    return _table(heads, rows)


def eviction_table(cells: Dict[Tuple[int, str], Dict[str, float]]) -> str:
    rows = [
        [
            f"-P {pipeline}, {label}",
            f"{c['rate']:,.0f}",
            f"{c['cpu'] * 1e6:.2f} µs",
            f"{c['p50'] * 1e3:.2f} / {c['p99'] * 1e3:.2f} / {c['p999'] * 1e3:.2f} ms",
            f"{c['over'] * 100:+.2f} %",
            f"{c['evicted']:.3f}",
            f"{c['rss']:.0f} MB",
        ]
        for (pipeline, label), c in cells.items()
    ]
    heads = ["SETs at the limit", "a second", "CPU for each", "GET p50 / p99 / p99.9"]
    return _table([*heads, "most over the limit", "evicted for each", "RSS"], rows)


def hit_rate_table(cells: Dict[Tuple[int, float, str, str], float]) -> str:
    rows = []
    for limit, alpha, policy in sorted({key[:3] for key in cells}):
        values = [cells[limit, alpha, policy, label] for label in ("redis", "mantisd")]
        rows.append([f"{limit} MB, α {alpha}, {policy}", *(f"{v * 100:.2f} %" for v in values)])
    return _table(["hit rate", "redis", "mantisd"], rows)


def fairness_table(cells: Dict[Tuple[str, str], str]) -> str:
    """(what was measured, server) -> figure."""
    names = dict.fromkeys(name for name, _ in cells)
    rows = [[name, cells[name, "redis"], cells[name, "mantisd"]] for name in names]
    return _table(["", "Redis", "mantisd"], rows)
