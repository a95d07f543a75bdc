"""What the checks share: finding source files, and C++ text without comments and literals."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
CPP_FOLDERS = ("engine", "protocol", "config", "server", "tests")

# A comment, a raw string, a string or a character literal; digit separators are no literals.
_NOISE = re.compile(
    r"""//[^\n]*(?:\\\n[^\n]*)*"""
    r"""|/\*.*?\*/"""
    r"""|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)\""""
    r"""|"(?:\\.|[^"\\\n])*\""""
    r"""|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def _blank(match):
    text = match.group(0)
    if text.startswith("//") or text.startswith("/*"):
        return "\n" * text.count("\n") or " "
    return '""' + "\n" * text.count("\n")


def without_noise(text):
    """C++ text with comments gone and literals emptied; line numbers stay as they were."""
    return _NOISE.sub(_blank, text)


def files_under(root, folders, suffixes):
    """Paths relative to root, sorted, of the files with one of these suffixes."""
    found = []
    for folder in folders:
        for path in (root / folder).rglob("*"):
            if path.suffix in suffixes and path.is_file():
                found.append(path.relative_to(root))
    return sorted(found)


def cpp_files(root, folders=CPP_FOLDERS):
    return files_under(root, folders, {".cc", ".h"})


def report(problems, what):
    """Prints the problems and returns the exit status for them."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem(s)")
    return 1 if problems else 0
