#!/usr/bin/env python3
"""check_paths.py [ROOT]: nothing names a folder that only one machine has."""

import pathlib
import re
import sys

from source_text import ROOT, report

SUFFIXES = {".cc", ".h", ".py", ".sh", ".txt", ".cmake", ".json", ".md", ".yaml", ".yml", ".conf",
            ".fbs", ""}
SKIPPED = {".git", "build", ".cache", "__pycache__"}
MACHINE_PATH = re.compile(r"(?<![\w.}$*/-])/(?:home|root|work|Users|mnt)/[\w.-]+")


def check_file(root, path):
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []  # binary test data
    return [
        f"{path}:{number}: {match.group(0)} exists on one machine only"
        for number, line in enumerate(text.splitlines(), 1)
        for match in MACHINE_PATH.finditer(line)
    ]


def check(root):
    problems = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and path.suffix in SUFFIXES and not SKIPPED & set(relative.parts):
            problems += check_file(root, relative)
    return problems


if __name__ == "__main__":
    sys.exit(report(check(pathlib.Path(sys.argv[1]) if sys.argv[1:] else ROOT), "paths"))
