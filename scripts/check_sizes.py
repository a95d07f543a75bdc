#!/usr/bin/env python3
"""check_sizes.py [ROOT]: files stay under 600 lines and C++ functions under 100.

scripts/size_allowlist.txt holds the exceptions, each with its own ceiling, so that they can only
shrink: an exception that grew fails, and so does one that is no longer needed.
"""

import pathlib
import re
import sys

from source_text import ROOT, cpp_files, files_under, report, without_noise

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 100
ALLOWLIST = "scripts/size_allowlist.txt"

_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_TEMPLATE = re.compile(r"^\s*(?:template\s*<[^{};]*>\s*)+")
_HEAD_GOES_ON = re.compile(r"\s*[,{]")
_TYPE = re.compile(r"^\s*(?:typedef\s+)?(?:class|struct|union|enum)\b")
_NAME = re.compile(r"((?:[\w~]+\s*::\s*)*(?:operator\s*[^\s\w(]+|operator\s*\(\)|~?\w+))\s*\(")


def _is_function(head):
    """Whether the text between the previous statement and a brace heads a function's body."""
    bare = _TEMPLATE.sub("", head)
    if re.search(r"\bnamespace\b", bare) or _TYPE.match(bare) or "(" not in bare:
        return False
    outside = re.sub(r"\([^()]*\)", "", bare)
    while outside != (outside := re.sub(r"\([^()]*\)", "", outside)):
        pass
    outside = re.sub(r"operator\s*[^\s\w]+", "", outside)
    return "=" not in outside


def functions(text):
    """Yields (name, first line, lines) of every function body outside other functions."""
    text = without_noise(text)
    text = _PREPROCESSOR.sub(lambda m: "\n" * m.group(0).count("\n"), text)
    scopes = []  # what each open brace is: "function", "arguments" or "other"
    head_from = 0
    open_head = None  # where the head of the open function begins
    for match in re.finditer(r"[{};]", text):
        char, at = match.group(0), match.start()
        if char == "{":
            head = text[head_from:at]
            if "function" in scopes:
                scopes.append("other")
            elif "arguments" in scopes or head.count("(") > head.count(")"):
                scopes.append("arguments")  # a default argument, part of the head
            elif _is_function(head):
                scopes.append("function")
                open_head = head_from
            else:
                scopes.append("other")
        elif char == "}" and scopes:
            closed = scopes.pop()
            if closed == "arguments":
                continue
            if closed == "function":
                # A brace initializer of a constructor's list is followed by the rest of the head.
                if _HEAD_GOES_ON.match(text, at + 1):
                    head_from = open_head
                    continue
                head = text[open_head:at].lstrip()
                start = text.count("\n", 0, at - len(head)) + 1
                name = _NAME.search(_TEMPLATE.sub("", head))
                lines = text.count("\n", 0, at) + 1 - start + 1
                yield (re.sub(r"\s", "", name.group(1)) if name else "?"), start, lines
        if "function" not in scopes and "arguments" not in scopes:
            head_from = at + 1


def measure(root):
    """All sizes over their limit: {item: (lines, limit, where)}."""
    over = {}
    plain = files_under(root, ("scripts", "tests"), {".py", ".sh"}) + [pathlib.Path("scripts/dev")]
    for path in cpp_files(root) + [p for p in plain if (root / p).is_file()]:
        text = (root / path).read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            over[str(path)] = (lines, FILE_LINES_MAX, str(path))
        if path.suffix in {".cc", ".h"}:
            for name, line, length in functions(text):
                item = f"{path}:{name}"
                if length > max(FUNCTION_LINES_MAX, over.get(item, (0,))[0]):
                    over[item] = (length, FUNCTION_LINES_MAX, f"{path}:{line}: {name}")
    return over


def read_allowlist(root):
    allowed = {}
    path = root / ALLOWLIST
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        if line.strip() and not line.startswith("#"):
            item, ceiling = line.split()[:2]
            allowed[item] = int(ceiling)
    return allowed


def check(root):
    over, allowed, problems = measure(root), read_allowlist(root), []
    for item, (lines, limit, where) in sorted(over.items()):
        ceiling = allowed.pop(item, limit)
        if lines > ceiling:
            problems.append(f"{where}: {lines} lines, at most {ceiling}")
    for item in sorted(allowed):
        problems.append(f"{ALLOWLIST}: {item} is no longer needed there")
    return problems


if __name__ == "__main__":
    sys.exit(report(check(pathlib.Path(sys.argv[1]) if sys.argv[1:] else ROOT), "sizes"))
