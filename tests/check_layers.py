#!/usr/bin/env python3
"""Holds the arrows between the modules, and the one owner folder of each third-party header.

To change the architecture, change the two tables in the same commit: that is where a reviewer looks.
Usage: check_layers.py [ROOT]      exit code 1 and one line per wrong include
"""
import os
import re
import sys

# Folder -> the modules whose public headers (include/<module>/) it may include. The longest folder that fits counts.
# Headers of the own folder are always allowed.
ARROWS = {
    "base": {"base"},
    "policy": {"policy", "base"},
    "transport": {"transport", "base"},
    "mapper": {"mapper", "transport", "policy", "base"},
    "mapper/store": {"mapper", "base"},
    "mapper/journal": {"mapper", "base"},
    "mapper/graph": {"mapper", "base"},
    "mapper/discover": {"mapper", "policy", "base"},
    "mapper/reconcile": {"mapper", "policy", "base"},
    "mapper/vfs": {"mapper", "transport", "base"},
    "agent": {"admx", "mapper", "transport", "policy", "base"},  # admx: `mooring policy export`
    "admx": {"policy", "base"},
    # the simulated tenant is a program of its own: it must share nothing with the client it tests
    "tests/tenant": set(),
    "tests": {"base", "policy", "transport", "mapper"},
}

# Third-party header (a prefix of the name between the brackets) -> the folders that may include it.
OWNERS = {
    "curl/": ["mapper/graph"],
    "openssl/": ["mapper/graph"],
    "cjson/": ["mapper/graph", "agent", "admx"],
    "yaml.h": ["policy"],
    "sqlite3.h": ["mapper/store"],
    "microhttpd.h": ["transport/webdav"],
    "expat.h": ["transport/webdav"],
    "fuse": ["transport/np/posix"],
    "winfsp/": ["transport/np/win32"],
    "windows.h": ["base/win32", "policy/win32", "mapper/graph/win32", "mapper/vfs/win32", "agent/win32",
                  "transport/np/win32", "transport/np/provider", "transport/webdav/win32"],
    "cmocka.h": ["tests"],
    "nghttp2/": ["tests"],
}

# Tests may use what they need to look at the product from outside, and private headers of the module under test.
TESTS_MAY_USE_ANY = "tests"

MODULES = ("base", "policy", "transport", "mapper", "agent", "admx")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_rule(table, path):
    best = None
    for folder in table:
        if (path == folder or path.startswith(folder + "/")) and (best is None or len(folder) > len(best)):
            best = folder
    return best


def check_owner(path, name):
    for header, owners in OWNERS.items():
        if name == header or (not header.endswith(".h") and name.startswith(header)):
            if path.startswith(TESTS_MAY_USE_ANY + "/"):
                return None
            if not any(path.startswith(owner + "/") for owner in owners):
                return f"<{name}> belongs to {' and '.join(owners)}"
    return None


def check_arrow(path, name):
    rule = folder_rule(ARROWS, path)
    module = name.split("/", 1)[0]
    if rule is None or "/" not in name or module not in MODULES:
        return None
    if module == path.split("/", 1)[0] or module in ARROWS[rule]:
        return None
    if path.startswith("tests/") and rule == "tests":
        return None  # private headers of the module under test
    return f'"{name}": {rule} may include {", ".join(sorted(ARROWS[rule])) or "nothing of ours"}'


def check_platform(path, name):
    parts = path.split("/")
    if name in ("windows.h", "winsock2.h") and not {"win32", "provider", "wine"} & set(parts):
        return f"<{name}> appears only under a win32/ folder"
    if name == "windows.h" and path.endswith(".h"):
        return f"<{name}> appears in .c files only"
    return None


def sources(root):
    for top in MODULES + ("tests",):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    wrong = 0
    count = 0
    for path in sources(root):
        count += 1
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        for match in INCLUDE.finditer(text):
            quote, name = match.groups()
            reason = check_platform(path, name)
            if not reason:
                reason = check_owner(path, name) if quote == "<" else check_arrow(path, name)
            if reason:
                line = text.count("\n", 0, match.start()) + 1
                print(f"{path}:{line}: {reason}")
                wrong += 1
    if count == 0:
        print(f"no sources below {root}")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
