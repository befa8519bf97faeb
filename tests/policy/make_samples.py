#!/usr/bin/env python3
"""Writes the Registry.pol samples of tests/data/policy with Samba's library (Debian: python3-samba).

Samba wrote them, so that our reader is tested against bytes that are not ours. Run it again only to change
what they hold: make_samples.py FOLDER
"""
import os
import sys

from samba.dcerpc import misc, preg
from samba.ndr import ndr_pack

KEY = "Software\\Policies\\Mooring"


def entry(key, name, kind, data):
    result = preg.entry()
    result.keyname = key
    result.valuename = name
    result.type = kind
    result.data = data
    return result


def write(folder, name, rows):
    file = preg.file()
    file.header.signature = "PReg"
    file.header.version = 1
    file.num_entries = len(rows)
    file.entries = [entry(*row) for row in rows]
    with open(os.path.join(folder, name), "wb") as out:
        out.write(ndr_pack(file))


def main():
    folder = sys.argv[1]
    # What the Group Policy editor writes: enabled policies of each kind, and one list.
    write(folder, "samba-enabled.pol", [
        ("Software\\Policies\\Other", "Setting", misc.REG_DWORD, 7),
        (KEY, "ReadOnly", misc.REG_DWORD, 1),
        (KEY, "CacheSizeMB", misc.REG_DWORD, 4096),
        (KEY, "LogLevel", misc.REG_DWORD, 3),
        (KEY, "NameFormat", misc.REG_SZ, "{library} – {site} äöü \U0001F600"),
        (KEY, "CacheDirectory", misc.REG_EXPAND_SZ, "%HOME%/cache"),
        (KEY + "\\Tenants", "**delvals.", misc.REG_SZ, " "),
        (KEY + "\\Tenants", "2", misc.REG_SZ, "fabrikam.example"),
        (KEY + "\\Tenants", "10", misc.REG_SZ, "tailspin.example"),
        (KEY + "\\Tenants", "1", misc.REG_SZ, "contoso.example|11111111-2222-3333-4444-555555555555"),
        (KEY + "\\ExcludeSites", "*/sites/old*", misc.REG_SZ, "*/sites/old*"),
    ])
    # The special names, in an order that matters.
    write(folder, "samba-special.pol", [
        (KEY, "ReadOnly", misc.REG_DWORD, 1),
        (KEY, "**del.ReadOnly", misc.REG_SZ, " "),
        (KEY, "CacheMinutes", misc.REG_DWORD, 5),
        (KEY, "**soft.CacheMinutes", misc.REG_DWORD, 6),
        (KEY, "**soft.MaxMappings", misc.REG_DWORD, 70),
        (KEY + "\\Tenants", "1", misc.REG_SZ, "gone.example"),
        (KEY + "\\Tenants", "**delvals.", misc.REG_SZ, " "),
        (KEY + "\\Tenants", "2", misc.REG_SZ, "kept.example"),
        (KEY + "\\ExcludeSites", "1", misc.REG_SZ, "x"),
        (KEY + "\\IncludeSites", "1", misc.REG_SZ, "y"),
        (KEY, "**DeleteKeys", misc.REG_SZ, "Nothing;ExcludeSites"),
        (KEY, "LogFiles", misc.REG_DWORD, 9),
        (KEY, "LogSizeKB", misc.REG_DWORD, 128),
        (KEY, "**DeleteValues", misc.REG_SZ, "LogSizeKB;LogFiles"),
        (KEY, "**SecureKey", misc.REG_DWORD, 1),
    ])
    write(folder, "samba-empty.pol", [])


if __name__ == "__main__":
    main()
