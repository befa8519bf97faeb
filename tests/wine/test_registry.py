#!/usr/bin/env python3
"""Every setting through the registry of Windows: what the Group Policy editor would write for Enabled is written value by
value with reg.exe, what it would write for Disabled with a .reg file, and `mooring.exe policy show` must say the value and
the key that it came from. Called by test_registry.sh, which knows how to run Wine.

Usage: test_registry.py ADMX_OUT SETTINGS_TXT TESTS_ADMX WORK
MOORING_RUN names a program that runs mooring.exe with its arguments, REG_RUN one that runs reg.exe.
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

OUT, SETTINGS, ADMX_TESTS, WORK = (pathlib.Path(p) for p in sys.argv[1:5])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ADMX_TESTS))
sys.argv = [sys.argv[0], "", str(OUT), str(SETTINGS)]
import group_policy as gp  # noqa: E402
import test_roundtrip as agreed  # noqa: E402

KEY = "HKLM\\Software\\Policies\\Mooring"
TYPES = {gp.REG_SZ: "REG_SZ", gp.REG_EXPAND_SZ: "REG_EXPAND_SZ", gp.REG_DWORD: "REG_DWORD"}
LOCAL = os.environ["WINDOWS_LOCAL"]  # %LOCALAPPDATA%

# Paths are those of Windows here.
agreed.TEXTS.update({
    "CacheDirectory": [("%LOCALAPPDATA%\\Other\\cache", LOCAL + "\\Other\\cache")],
    "JournalDirectory": ["D:\\Mooring\\journal"],
    "RecoveryDirectory": ["D:\\Mooring\\recovery"],
    "CaFile": ["C:\\ProgramData\\contoso.pem"],
    "LogDirectory": ["D:\\Mooring\\log"],
})
DEFAULT_PATHS = {"CacheDirectory": "\\Mooring\\cache", "JournalDirectory": "\\Mooring\\journal",
                 "LogDirectory": "\\Mooring"}


def run(program, *arguments):
    with open(WORK / "out", "w+b") as out, open(WORK / "error", "w+b") as error:  # files: lib.sh says why
        done = subprocess.run([os.environ[program], *arguments], stdout=out, stderr=error, stdin=subprocess.DEVNULL,
                              timeout=300)
        out.seek(0)
        error.seek(0)
        return done.returncode, out.read().decode("utf-8").replace("\r", ""), error.read().decode("utf-8", "replace")


def clear():
    run("REG_RUN", "delete", KEY, "/f")


def records_of(policies, pick):
    records, expected = [], {}
    for policy in policies:
        data, value = pick(policy)
        expected[policy.name] = value
        records += gp.enabled(policy, {e.id: data for e in policy.elements})
    return [r for r in records if not r[1].startswith("**")], expected


def reg_file(records):
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key, name, kind, value in records:
        lines.append(f"[HKEY_LOCAL_MACHINE\\{key}]")
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        if kind == gp.REG_DWORD:
            data = f"dword:{value:08x}"
        else:
            code = "hex(2):" if kind == gp.REG_EXPAND_SZ else "hex(1):"
            data = code + ",".join(f"{b:02x}" for b in (value + "\0").encode("utf-16-le"))
        lines += [f'"{quoted}"={data}', ""]
    return ("\ufeff" + "\r\n".join(lines)).encode("utf-16-le")


class Test(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        clear()
        self.addCleanup(clear)

    def shown(self):
        code, out, error = run("MOORING_RUN", "policy", "show", "--json")
        self.assertIn(code, (0, 1), error)
        answer = json.loads(out)
        return {row["name"]: row for row in answer["settings"]}, answer["warnings"]

    def compare(self, expected):
        settings, warnings = self.shown()
        # a feature that is not there on this system is none of the registry's
        self.assertEqual([w for w in warnings if "has no effect" not in w["message"]], [])
        self.assertEqual({name: row["value"] for name, row in settings.items()}, expected)
        for name, row in settings.items():
            self.assertEqual(row["source"]["layer"], "machinePolicy", name)
            self.assertIn("\\Software\\Policies\\Mooring", row["source"]["file"], name)

    def test_every_setting_by_reg_add(self):
        records, expected = records_of(agreed.TEMPLATE.policies, lambda p: agreed.samples(p)[-1])
        self.assertGreater(len(expected), 55)
        for key, name, kind, value in records:
            code, out, error = run("REG_RUN", "add", f"HKLM\\{key}", "/v", name, "/t", TYPES[kind], "/d", str(value), "/f")
            self.assertEqual(code, 0, f"{key} {name}: {out} {error}")
        self.compare(expected)

    def import_file(self, records):
        (WORK / "all.reg").write_bytes(reg_file(records))
        code, out, error = run("REG_RUN", "import", "Z:" + str(WORK / "all.reg").replace("/", "\\"))
        self.assertEqual(code, 0, out + error)

    def test_every_setting_by_a_reg_file(self):
        records, expected = records_of(agreed.TEMPLATE.policies, lambda p: agreed.samples(p)[0])
        self.import_file(records)
        self.compare(expected)

    def test_every_setting_disabled(self):
        records, expected = [], {}
        for policy in agreed.TEMPLATE.policies:
            written = [r for r in gp.disabled(policy) if not r[1].startswith("**")]
            if written:
                records += written
                expected[policy.name] = agreed.disabled_value(policy)
                if policy.name in DEFAULT_PATHS:
                    expected[policy.name] = LOCAL + DEFAULT_PATHS[policy.name]
        self.import_file(records)
        self.compare(expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
