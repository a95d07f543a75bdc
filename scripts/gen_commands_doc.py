#!/usr/bin/env python3
"""gen_commands_doc.py [--mantisd FILE] [--check]: writes docs/commands.md.

The tables come from a running server's COMMAND DOCS. docs/commands_extra.md follows them; its
"console" blocks hold commands only, which are run through redis-cli for the answers shown.
--check writes nothing and fails if the file differs.
"""

import argparse
import difflib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.resp import Map  # noqa: E402
from support.server import Server  # noqa: E402

OUTPUT = ROOT / "docs/commands.md"
EXTRA = ROOT / "docs/commands_extra.md"

GROUPS = {
    "string": "Strings",
    "list": "Lists",
    "hash": "Hashes",
    "set": "Sets",
    "sorted-set": "Sorted sets",
    "stream": "Streams",
    "bitmap": "Bitmaps and bit fields",
    "hyperloglog": "HyperLogLogs",
    "geo": "Geo indexes",
    "transactions": "Transactions",
    "generic": "Keys",
    "mantis": "Ordered keyspace",
    "connection": "Connection",
    "server": "Server",
    "cluster": "Clusters",
}

HEAD = """\
<!-- Written by scripts/gen_commands_doc.py (scripts/dev docs) from the command table and
     docs/commands_extra.md. Change those, not this file. -->

# Commands

Lower-case words are values, upper-case ones are typed as they stand, `[]` is optional, `<a | b>` a
choice, and what `[x ...]` or `[...]` follows may be repeated. "Since" is the version of Redis that
brought the command; the ordered keyspace is MantisDB's own, and names the version of Redis that the
server reports itself as.

"""


def plain(value):
    """Replies as ordinary Python values."""
    if isinstance(value, Map):
        return {plain(k): plain(v) for k, v in value.pairs}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "text"):
        return value.text.decode()
    if hasattr(value, "items"):
        return [plain(v) for v in value.items]
    return value


def syntax_of(argument, inside_choice=False):
    """One argument of COMMAND DOCS in the notation of Redis's pages."""
    kind, flags = argument["type"], argument.get("flags", [])
    children = argument.get("arguments", [])
    optional = "optional" in flags
    if kind == "pure-token":
        text = argument["token"]
    elif kind == "oneof":
        text = " | ".join(syntax_of(child, True) for child in children)
        bracketed = inside_choice or optional
        if "token" in argument or "multiple" in flags or not bracketed:
            text = f"<{text}>"
    elif kind == "block":
        text = " ".join(syntax_of(child) for child in children)
    else:
        text = argument["name"]
    token = argument.get("token") if kind != "pure-token" else None
    again = text
    if token is not None:
        shown = token or '""'
        text = f"{shown} {text}"
        if "multiple_token" in flags:
            again = text
    if "multiple" in flags:
        text = f"{text} [...]" if kind == "oneof" else f"{text} [{again} ...]"
    return f"[{text}]" if optional else text


def rows_of(docs):
    """Each command and subcommand, flat, by name."""
    for name, doc in sorted(docs.items()):
        subcommands = doc.get("subcommands")
        if not subcommands:
            yield name, doc
            continue
        # COMMAND is both a container and a command of its own.
        if name == "command":
            yield name, doc
        yield from sorted(subcommands.items())


def cell(text):
    return text.replace("|", "\\|")


def table(rows):
    lines = [
        "| Command | Arguments | Complexity | Since | Summary |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, doc in rows:
        shown = name.replace("|", " ").upper()
        arguments = " ".join(syntax_of(a) for a in doc.get("arguments", []))
        arguments = f"`{cell(arguments)}`" if arguments else ""
        lines.append(
            f"| **{shown}** | {arguments} | {cell(doc['complexity'])} | {doc['since']} "
            f"| {cell(doc['summary'])} |"
        )
    return "\n".join(lines) + "\n"


def tables(docs):
    by_group = {}
    for name, doc in rows_of(docs):
        by_group.setdefault(doc["group"], []).append((name, doc))
    unknown = set(by_group) - set(GROUPS)
    if unknown:
        sys.exit(f"gen_commands_doc.py: no title for the groups {sorted(unknown)}")
    return "\n".join(
        f"## {title}\n\n{table(by_group[group])}" for group, title in GROUPS.items()
    )


def run_session(server, commands):
    """What redis-cli shows for these commands on an interactive terminal."""
    host, port = server.address
    shown = []
    for command in commands:
        answer = subprocess.run(
            ["redis-cli", "-h", host, "-p", str(port), "--no-raw"],
            input=command + "\n",
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.rstrip("\n")
        shown.append(f"127.0.0.1:6379> {command}\n{answer}")
    return shown


def with_answers(server, text):
    out, commands, inside = [], [], False
    for line in text.splitlines():
        if line == "```console":
            inside, commands = True, []
            out.append(line)
        elif inside and line == "```":
            out += run_session(server, commands)
            out.append(line)
            inside = False
        elif inside:
            commands.append(line[2:])
        else:
            out.append(line)
    return "\n".join(out) + "\n"


def generate(binary):
    with Server(binary) as server:
        with server.client(protocol=3) as client:
            docs = plain(client.ok("COMMAND", "DOCS"))
        return HEAD + tables(docs) + "\n" + with_answers(server, EXTRA.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mantisd", default=str(ROOT / "build/release/bin/mantisd"))
    parser.add_argument("--check", action="store_true", help="fail if docs/commands.md differs")
    options = parser.parse_args()
    if shutil.which("redis-cli") is None:
        sys.exit("gen_commands_doc.py: redis-cli is not installed")
    text = generate(str(Path(options.mantisd).resolve()))
    if not options.check:
        OUTPUT.write_text(text, encoding="utf-8")
        return 0
    present = OUTPUT.read_text(encoding="utf-8") if OUTPUT.exists() else ""
    if present == text:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            present.splitlines(True), text.splitlines(True), "docs/commands.md", "the server says"
        )
    )
    print("docs/commands.md is out of date: run scripts/dev docs")
    return 1


if __name__ == "__main__":
    sys.exit(main())
