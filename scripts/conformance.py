#!/usr/bin/env python3
"""conformance.py REDIS_SOURCE_TREE [--mantisd FILE] [--redis [FILE]] [--file NAME] [--deny TAG]

Runs Redis's own Tcl tests in external mode, each file against a fresh mantisd (and, with --redis,
against a fresh redis-server as well), and prints how many tests passed, failed and were skipped,
and which failed. The source tree is left alone: the tests run in a copy of its test folder.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.server import Server  # noqa: E402

WORK = ROOT / "build" / "conformance"

FILES = [
    *(
        f"unit/type/{name}"
        for name in (
            "string",
            "incr",
            "list",
            "list-2",
            "list-3",
            "set",
            "zset",
            "hash",
            "stream",
            "stream-cgroups",
        )
    ),
    *(
        f"unit/{name}"
        for name in (
            "keyspace",
            "scan",
            "expire",
            "sort",
            "bitops",
            "bitfield",
            "hyperloglog",
            "geo",
            "multi",
            "protocol",
            "quit",
            "auth",
            "info",
            "other",
            "dump",
            "limits",
            "querybuf",
        )
    ),
]

COMMON_FLAGS = ("--enable-debug-command", "yes", "--enable-protected-configs", "yes")
# The suite expects sets of short strings to be hash tables, as they were before Redis 7.2.
MANTIS_FLAGS = ("--set-max-listpack-entries", "0")
# Tests that no external server passes, as they look for its process, and that leave it in a state
# in which others fail.
SKIPPED = ("SRANDMEMBER with a dict containing long chain",)
# No test needs this long on a quiet machine.
FILE_TIMEOUT_S = 900

LINE = re.compile(r"^\[(ok|err|skip|ignore|exception)\]: (.*)$")
ELAPSED = re.compile(r" \(\d+ ms\)$")


@dataclass
class Result:
    passed: List[str] = field(default_factory=list)
    failed: Dict[str, str] = field(default_factory=dict)  # name -> what was wrong
    skipped: int = 0
    aborted: Optional[str] = None  # why the file did not run to its end

    def cell(self) -> str:
        end = " (aborted)" if self.aborted else ""
        return f"{len(self.passed)} / {len(self.failed)} / {self.skipped}{end}"


def prepare_tree(source: Path) -> Path:
    """A copy of the tests with the programs they call where they look for them."""
    tree = WORK / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    shutil.copytree(source / "tests", tree / "tests", ignore=shutil.ignore_patterns("tmp"))
    (tree / "tests" / "tmp").mkdir()
    shutil.copy(source / "runtest", tree / "runtest")
    (tree / "src").mkdir()
    for program in ("redis-cli", "redis-benchmark", "redis-server"):
        found = shutil.which(program)
        if found:
            (tree / "src" / program).symlink_to(found)
    # The suite empties the function library before each file; a server without one has none to
    # empty.
    path = tree / "tests" / "support" / "server.tcl"
    text = path.read_text()
    lenient = re.sub(r"^(\s*)r function flush$", r"\1catch {r function flush}", text, flags=re.M)
    # An option that a group of tests asks for and the server refuses fails the tests that need it,
    # not all those that follow.
    lenient = lenient.replace(
        "        r config set $param $val\n", "        catch {r config set $param $val}\n"
    )
    path.write_text(lenient)
    # Since Redis 7.2 a list of one node is called a listpack.
    path = tree / "tests" / "support" / "test.tcl"
    text = path.read_text()
    path.write_text(
        text.replace(
            "    set val [r object encoding $key]\n",
            "    set val [r object encoding $key]\n"
            "    if {$enc eq {quicklist} && $val eq {listpack}} {return}\n",
        )
    )
    return tree


def base_port() -> int:
    """Where the suite looks for ports for its own servers: not among those handed out freely."""
    return random.randrange(11000, 31000)


def parse(output: str) -> Result:
    result = Result()
    name = None
    for line in output.splitlines():
        if line.strip() == "The End":
            break
        match = LINE.match(line)
        if not match:
            if name is not None and line and not line.startswith("["):
                result.failed[name] += "\n" + line
            continue
        kind, text = match.groups()
        name = None
        if kind == "ok":
            result.passed.append(ELAPSED.sub("", text))
        elif kind == "err":
            # "name in tests/unit/x.tcl what was wrong"
            where = re.match(r"^(.*?) in tests/\S+\.tcl ?(.*)$", text)
            name, what = where.groups() if where else (text, "")
            result.failed[name] = what
        elif kind == "exception":
            result.aborted = text
        else:
            result.skipped += 1
    return result


def run_file(tree: Path, name: str, binary: str, flags: List[str], denied: List[str]) -> Result:
    log = WORK / (name.replace("/", "-") + "-" + Path(binary).name + ".log")
    server = Server(binary, *flags).start()
    command = [
        "tclsh",
        "tests/test_helper.tcl",
        "--host",
        "127.0.0.1",
        "--port",
        str(server.port),
        "--baseport",
        str(base_port()),
        "--clients",
        "1",
        "--durable",
        "--single",
        name,
        "--tags",
        " ".join("-" + tag for tag in denied),
    ]
    for test in SKIPPED:
        command += ["--skiptest", test]
    environment = {**os.environ, "TERM": "dumb"}
    timed_out = False
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(FILE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            # What is left of the processes that this call began, by the number of their session.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    result = parse(log.read_text(errors="replace"))
    if "done]: " not in log.read_text(errors="replace"):
        result.aborted = result.aborted or f"see {log}"
    if timed_out:
        result.aborted = f"not done after {FILE_TIMEOUT_S} s"
    if not server.running():
        result.aborted = f"the server died ({server.process.returncode}), see {server.directory}"
        server.kill()
    else:
        server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)
    return result


def print_table(results: Dict[str, Dict[str, Result]]) -> None:
    servers = list(next(iter(results.values())))
    print("| file | " + " | ".join(f"{s}: passed / failed / skipped" for s in servers) + " |")
    print("| --- |" + " --- |" * len(servers))
    for name, by_server in results.items():
        print(f"| {name} | " + " | ".join(by_server[s].cell() for s in servers) + " |")
    sums = []
    for s in servers:
        rows = [by_server[s] for by_server in results.values()]
        sums.append(
            f"{sum(len(r.passed) for r in rows)} / {sum(len(r.failed) for r in rows)} / "
            f"{sum(r.skipped for r in rows)}"
        )
    print("| all | " + " | ".join(sums) + " |")


def print_failures(results: Dict[str, Dict[str, Result]]) -> bool:
    """What mantisd fails (and redis-server, where it ran, passes). True if there is any."""
    any_failed = False
    for name, by_server in results.items():
        ours = by_server["mantisd"]
        theirs = by_server.get("redis-server")
        if ours.aborted:
            any_failed = True
            print(f"\n{name}: aborted: {ours.aborted}")
        for test, what in ours.failed.items():
            if theirs is not None and test not in theirs.passed:
                continue
            any_failed = True
            print(f"\n{name}: {test}\n    " + "\n    ".join(what.splitlines()[:6]))
        if theirs is not None:
            known = {*ours.passed, *ours.failed}
            for test in theirs.passed:
                if test not in known:
                    any_failed = True
                    print(f"\n{name}: {test}\n    did not run")
    return any_failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path, metavar="REDIS_SOURCE_TREE")
    parser.add_argument("--mantisd", default=str(ROOT / "build/release/bin/mantisd"))
    parser.add_argument(
        "--redis",
        nargs="?",
        const="redis-server",
        help="also run redis-server (or the one named), and list only what it passes",
    )
    parser.add_argument(
        "--file",
        action="append",
        help=f"such as {FILES[0]}; default: all that mantisd has the commands for",
    )
    parser.add_argument("--deny", action="append", help="leave tests with this tag out")
    options = parser.parse_args()
    if not (options.tree / "tests" / "test_helper.tcl").is_file():
        parser.error(f"{options.tree} is no Redis source tree")
    denied = options.deny or ["needs:repl", "cluster"]
    tree = prepare_tree(options.tree)
    results: Dict[str, Dict[str, Result]] = {}
    for name in options.file or FILES:
        results[name] = {
            "mantisd": run_file(
                tree, name, options.mantisd, [*COMMON_FLAGS, *MANTIS_FLAGS], denied
            )
        }
        if options.redis:
            results[name]["redis-server"] = run_file(
                tree, name, options.redis, list(COMMON_FLAGS), denied
            )
        cells = ", ".join(f"{s} {r.cell()}" for s, r in results[name].items())
        print(f"{name}: {cells}", file=sys.stderr, flush=True)
    print_table(results)
    return 1 if print_failures(results) else 0


if __name__ == "__main__":
    sys.exit(main())
