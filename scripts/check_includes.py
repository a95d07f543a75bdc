#!/usr/bin/env python3
"""check_includes.py [ROOT]: the layers, as includes and names show them.

protocol/, engine/ and config/ know nothing of each other nor of server/, which composes them; each
may use only the third-party libraries given to it below. Reclamation (cds::urcu, cds::gc) is named
in engine/reclaim/ alone.
"""

import pathlib
import re
import sys

from source_text import ROOT, cpp_files, report, without_noise

# Our own folders a layer may include from.
OWN = {
    "protocol": {"protocol"},
    "engine": {"engine"},
    "config": {"config"},
    "server": {"protocol", "engine", "config", "server"},
}
# Third-party headers, by the folder (or file) their path begins with, and the places that may
# include them.
THIRD_PARTY = {
    "cds": ("engine/reclaim/", "engine/index/"),
    "mimalloc.h": ("engine/",),
    "flatbuffers": ("engine/",),
    "absl": ("engine/", "server/"),
    "xxhash.h": ("engine/",),
    "boost": ("server/",),
    "spdlog": ("server/",),
    "fmt": ("server/",),
    "CLI": ("config/",),
}
# System headers beside the standard library's, which have neither folder nor suffix.
C_HEADERS = {"stdint.h", "stddef.h", "string.h", "errno.h", "limits.h", "signal.h", "time.h"}
POSIX = ("engine/", "config/", "server/")
RECLAIM_NAME = re.compile(r"\bcds\s*::\s*(urcu|gc)\b")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def quoted_problem(root, path, target):
    layer = path.parts[0]
    if ".." in pathlib.PurePosixPath(target).parts:
        return "include by the path from the repository root"
    first = target.split("/")[0]
    if first not in OWN[layer]:
        return f"{layer}/ must not include from {first}/"
    generated = target.endswith("_generated.h")
    if not generated and not (root / target).is_file():
        return "no such file from the repository root"
    return None


def angled_problem(path, target):
    first = target.split("/")[0]
    if first in OWN:
        return "our own headers are included with quotes"
    if first in THIRD_PARTY:
        allowed = THIRD_PARTY[first]
        if not str(path).startswith(allowed):
            return f"only {' '.join(allowed)} may include {first}"
        return None
    is_standard = "/" not in target and (not target.endswith(".h") or target in C_HEADERS)
    if is_standard or str(path).startswith(POSIX):
        return None
    return "only the standard library is allowed here"


def check_file(root, path):
    text = (root / path).read_text(encoding="utf-8")
    problems = []
    for match in INCLUDE.finditer(text):
        bracket, target = match.groups()
        problem = (
            quoted_problem(root, path, target) if bracket == '"' else angled_problem(path, target)
        )
        if problem:
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {target}: {problem}")
    if not str(path).startswith("engine/reclaim/"):
        bare = without_noise(text)
        for match in RECLAIM_NAME.finditer(bare):
            line = bare.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: only engine/reclaim/ may name cds::{match.group(1)}")
    return problems


def check(root):
    return [p for path in cpp_files(root, tuple(OWN)) for p in check_file(root, path)]


if __name__ == "__main__":
    sys.exit(report(check(pathlib.Path(sys.argv[1]) if sys.argv[1:] else ROOT), "includes"))
