#!/usr/bin/env python3
"""Holds the rules of CONTRIBUTING.md that a compiler does not: banned functions, one voice in comments, sizes.

Usage: check_source.py [ROOT]      exit code 1 and one line per finding
"""
import os
import re
import subprocess
import sys

BANNED = {
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strcpy": "str_copy or memcpy with a known size",
    "strcat": "buf_add",
    "strncpy": "str_copy_n",
    "strtok": "strcspn",
    "atoi": "str_to_int64",
    "atol": "str_to_int64",
    "gmtime": "clock_format_iso",
    "localtime": "clock_format_iso",
    "system": "process_start",
    "popen": "process_start",
    "tmpnam": "file_make_temporary_directory",
    "mktemp": "file_make_temporary_directory",
    "gets": "fgets",
    "alloca": "malloc",
    "LoadLibraryA": "a full path",
    "LoadLibraryW": "a full path",
}
CALL = re.compile(r"(?<![\w.>\"])(" + "|".join(BANNED) + r")\s*\(")
MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MAX_LINES = 800
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def findings(path, text):
    code = COMMENT_OR_TEXT.sub(blank, text)
    for match in CALL.finditer(code):
        yield match.start(), f"{match.group(1)}() is banned: use {BANNED[match.group(1)]}"
    for match in MARK.finditer(text):
        yield match.start(), f"'{match.group(1)}': finish it, or say in the documentation that it is not there"
    for match in re.finditer(r"[ \t]+\n", text):
        yield match.start(), "blanks at the end of the line"
    if "\t" in text:
        yield text.index("\t"), "a tab"
    if re.search(r"^\s*#\s*if(n?def)?\b.*_WIN32", code, re.M) and "/include/" not in path and "/tests/" not in path:
        at = re.search(r"^\s*#\s*if(n?def)?\b.*_WIN32", code, re.M).start()
        yield at, "what differs by system lives in posix/ and win32/"
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield len(text) - 1, f"{lines} lines: this file holds two things"


def tracked(root):
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
                             capture_output=True, text=True, check=True).stdout.split("\n")
        names = [name for name in out if name]
    except (OSError, subprocess.CalledProcessError):
        names = []
    if not names:
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, files in os.walk(root) for name in files if name.endswith((".c", ".h"))]
    return sorted(name for name in names if os.path.exists(os.path.join(root, name)))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    wrong = 0
    names = tracked(root)
    for name in names:
        with open(os.path.join(root, name), encoding="utf-8") as file:
            text = file.read()
        for at, reason in findings("/" + name, text):
            line = text.count("\n", 0, at) + 1
            print(f"{name}:{line}: {reason}")
            wrong += 1
    if not names:
        print(f"no sources below {root}")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
