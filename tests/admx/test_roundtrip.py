#!/usr/bin/env python3
"""Every setting, from the Group Policy editor to `mooring policy show`: the values that the editor would write for
Enabled, with several samples for each element, and for Disabled, go into a Registry.pol, which the program reads.
The same values go the way of YAML; and `mooring policy export` writes them for Intune, and as a
Registry.pol that Samba's library must read.

Usage: test_roundtrip.py MOORING admx/out tests/data/policy/settings.txt [samba]
"""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import group_policy as gp

MOORING, OUT, SETTINGS = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
WITH_SAMBA = sys.argv[4:5] == ["samba"]

# What an administrator could fill into text boxes and list boxes, and what must be shown when it is not the same.
GUID, OTHER_GUID = "11111111-2222-3333-4444-555555555555", "99999999-8888-7777-6666-555555555555"
TEXTS = {
    "ClientId": [GUID],
    "CustomLoginUrl": ["https://login.example.com:8443", ("https://login.example.com/", "https://login.example.com")],
    "CustomGraphUrl": ["https://graph.example.com"],
    "SiteQuery": ['title:"M\u00fcller & S\u00f6hne" OR path:<https://x>', "*"],
    "DriveLetterPool": ["P-T,V", "Z"],
    "NameFormat": ["{library} ({site})"],
    "UncServer": ["sharepoint"],
    "OfflineAttributeExclude": ["pdf|msg"],
    "CacheDirectory": ["/srv/cache", ("$HOME/cache", "/home/anna/cache")],
    "JournalDirectory": ["/srv/journal"],
    "RecoveryDirectory": ["/srv/recovery"],
    "ProxyUrl": ["http://proxy.contoso.com:8080", ("http://anna:secret@proxy:8080", "http://***@proxy:8080")],
    "ProxyBypass": ["localhost,.contoso.com"],
    "CaFile": ["/etc/ssl/contoso.pem"],
    "UserAgentTag": ["pool-7"],
    "LogDirectory": ["/srv/log"],
}
LISTS = {
    "Tenants": ["contoso.onmicrosoft.com|" + GUID, "fabrikam.com|" + OTHER_GUID + "|UsGovHigh|anna@fabrikam.com"],
    "AllowedTenants": [GUID, OTHER_GUID],
    "IncludeSites": ["**/sites/finance", "title:M\u00fcller; & <S\u00f6hne>"],
    "ExcludeSites": ["*/sites/archive-*"],
    "IncludeLibraries": ["Finance/*", "**/Shared Documents"],
    "ExcludeLibraries": ["*/Site Assets"],
    "ManagedMappings": ["https://contoso.sharepoint.com/sites/finance/Shared Documents|Finance|P:",
                        "https://contoso.sharepoint.com/sites/rules|Rules|||readonly"],
    "DriveLetterRules": ["Zeta/*=P:", "**/sites/hr/**=Q:", "Alpha/*=R:"],
    "BlockedExtensions": ["exe", "pst"],
    "LocalOnlyPatterns": ["*.bak"],
    "ScannerProcesses": ["backupagent.exe"],
}
# Paths whose default means something on Windows only.
WINDOWS_PATHS = {"CacheDirectory", "JournalDirectory", "LogDirectory"}
OFF = {"OneDriveDrive": "none", "ReadOnlyAboveMB": "0", "BlockAboveMB": "0", "UploadBlockAboveMB": "0",
       "MassDeleteThreshold": "0", "RequestSoftLimit": "0", "RequestHardLimit": "0"}


def agreed():
    rows = {}
    for line in SETTINGS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            _, name, kind, _, default, extent, _ = line.split("; ", 6)
            rows[name] = (kind, default, extent.split(", "))
    return rows


AGREED = agreed()
TEMPLATE = gp.Template((OUT / "Mooring.admx").read_bytes())


def samples(policy):
    """(what is filled in, what must be shown), several for each kind."""
    if not policy.elements:
        return [(None, True)]
    element, = policy.elements
    choices = AGREED[policy.name][2]
    if element.kind == "decimal":
        low, high = int(element.get("minValue")), int(element.get("maxValue"))
        return [(n, n) for n in (low, (low + high) // 2, high)]
    if element.kind == "enum":
        return [(i, choices[value] if kind == gp.REG_DWORD else value)
                for i, (_, (kind, value)) in enumerate(element.items)]
    if element.kind == "list":
        entries = LISTS[policy.name]
        default = [e for e in AGREED[policy.name][1].split(", ") if e]
        names = ["10", "9", "b"][:len(entries)]
        ordered = [e for _, e in sorted(zip(names, entries), key=lambda p: (not p[0].isdigit(), p[0].zfill(9)))]
        return [(list(zip(names, entries)), ordered + default),
                ([("empty", "-")] + list(zip(names, entries)), ordered)]
    return [(t if isinstance(t, tuple) else (t, t)) for t in TEXTS[policy.name]]


def disabled_value(policy):
    kind, default, choices = AGREED[policy.name]
    if kind == "switch":
        return False
    if kind == "list":
        return []
    text = OFF.get(policy.name, default)
    return int(text) if kind == "number" else text


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mooring-admx-")
        cls.file = pathlib.Path(cls.folder.name) / "Registry.pol"
        cls.environment = {"HOME": "/home/anna", "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def mooring(self, *arguments):
        run = subprocess.run([MOORING, "policy", *arguments], capture_output=True, env=self.environment, timeout=60)
        self.assertIn(run.returncode, (0, 1), run.stderr.decode())
        return run.stdout

    def show(self, data, file=None):
        file = file or self.file
        file.write_bytes(data)
        shown = json.loads(self.mooring("show", "--json", "--policy", str(file)))
        return {row["name"]: row for row in shown["settings"]}, shown["warnings"]

    def assert_shown(self, settings, name, value, file=None):
        self.assertIn(name, settings)
        self.assertEqual(settings[name]["value"], value, name)
        self.assertEqual(settings[name]["source"]["layer"], "override", name)
        self.assertEqual(settings[name]["source"]["file"], str(file or self.file), name)
        self.assertFalse(settings[name]["planned"], name)

    def test_enabled_is_shown_as_filled_in(self):
        for policy in TEMPLATE.policies:
            for data, value in samples(policy):
                with self.subTest(policy=policy.name, data=data):
                    records = gp.enabled(policy, {e.id: data for e in policy.elements})
                    settings, warnings = self.show(gp.registry_pol(records))
                    self.assertEqual(warnings, [])
                    self.assertEqual(list(settings), [policy.name])
                    self.assert_shown(settings, policy.name, value)

    def test_enabled_without_change_is_the_default(self):
        language = gp.Language((OUT / "en-US" / "Mooring.adml").read_bytes())
        for policy in TEMPLATE.policies:
            kind, default, choices = AGREED[policy.name]
            if kind not in ("number", "enum"):
                continue
            control = language.control(policy.name, policy.name)
            data = int(control.get("defaultValue") or control.get("defaultItem"))
            settings, _ = self.show(gp.registry_pol(gp.enabled(policy, {policy.name: data})))
            self.assert_shown(settings, policy.name, int(default) if kind == "number" else default)

    def test_disabled_is_shown_as_agreed(self):
        for policy in TEMPLATE.policies:
            with self.subTest(policy=policy.name):
                settings, warnings = self.show(gp.registry_pol(gp.disabled(policy)))
                if policy.name in WINDOWS_PATHS and os.name != "nt":
                    # %LOCALAPPDATA% has no meaning here: reported, and the default of this system counts
                    self.assertEqual([w["key"] for w in warnings], [policy.name])
                    continue
                self.assertEqual(warnings, [])
                self.assert_shown(settings, policy.name, disabled_value(policy))

    def test_all_at_once(self):
        records, expected = [], {}
        for policy in TEMPLATE.policies:
            data, expected[policy.name] = samples(policy)[-1]
            records += gp.enabled(policy, {e.id: data for e in policy.elements})
        settings, warnings = self.show(gp.registry_pol(records))
        self.assertEqual(warnings, [])
        self.assertEqual(set(settings), set(expected))
        for name, value in expected.items():
            self.assert_shown(settings, name, value)

    def export(self, form, records, *arguments):
        """What `mooring policy export` makes of a Registry.pol with these records."""
        source, target = (pathlib.Path(self.folder.name) / name for name in ("source.pol", "target"))
        source.write_bytes(gp.registry_pol(records))
        self.mooring("export", "--format", form, *arguments, "--output", str(target), str(source))
        return target.read_bytes()

    def check_intune(self, policy, records, scope):
        arguments = ["--user"] if scope == "User" else []
        template, row = json.loads(self.export("intune", records, *arguments))["omaSettings"]
        self.assertEqual(template["value"].encode("utf-8"), (OUT / "Mooring.admx").read_bytes())
        path = "~".join(TEMPLATE.category_path(policy.category))
        self.assertEqual(row["omaUri"],
                         f"./{scope}/Vendor/MSFT/Policy/Config/Mooring~Policy~{path}/{policy.name}")
        settings, warnings = self.show(gp.registry_pol(gp.policy_csp(policy, row["value"])))
        self.assertEqual(warnings, [])
        return settings

    def test_intune_writes_the_same(self):
        for policy in TEMPLATE.policies:
            for number, (data, value) in enumerate(samples(policy)):
                with self.subTest(policy=policy.name, data=data):
                    records = gp.enabled(policy, {e.id: data for e in policy.elements})
                    scope = "User" if policy.cls == "Both" and number % 2 else "Device"
                    self.assert_shown(self.check_intune(policy, records, scope), policy.name, value)

    def test_yaml_says_the_same(self):
        file = pathlib.Path(self.folder.name) / "policy.yaml"
        for policy in TEMPLATE.policies:
            kind = AGREED[policy.name][0]
            for data, value in samples(policy):
                if kind == "list":
                    order = {"empty": "", "9": "0", "10": "1", "b": "2"}
                    written = [entry for name, entry in sorted(data, key=lambda pair: order[pair[0]])]
                else:
                    written = data if kind == "text" and policy.elements[0].kind == "text" else value
                with self.subTest(policy=policy.name, data=data):
                    # JSON is YAML, but for the numbers that are texts; these are quoted in both
                    text = f"{policy.name}: {json.dumps(written, ensure_ascii=False)}\n"
                    settings, warnings = self.show(text.encode("utf-8"), file)
                    self.assertEqual(warnings, [])
                    self.assert_shown(settings, policy.name, value, file)


class Samba(Test):
    """The same once more, with files that Samba's library read and wrote."""

    def show(self, data, file=None):
        if file is None:
            from samba.dcerpc import preg
            from samba.ndr import ndr_pack, ndr_unpack
            parsed = ndr_unpack(preg.file, data)
            again = preg.file()
            again.header.signature = "PReg"
            again.header.version = 1
            # a name for the list: the file does not keep what it was given alive
            entries = [self.entry(preg, e.keyname, e.valuename, e.type, e.data) for e in parsed.entries]
            again.entries = entries
            again.num_entries = len(entries)
            data = ndr_pack(again)
        return super().show(data, file)

    @staticmethod
    def entry(preg, key, name, kind, value):
        entry = preg.entry()
        entry.keyname, entry.valuename, entry.type, entry.data = key, name, kind, value
        return entry

    def exported(self, records):
        """What the program exports, as Samba reads it; what clears lists goes first, and is left out."""
        from samba.dcerpc import preg
        from samba.ndr import ndr_unpack
        entries = ndr_unpack(preg.file, self.export("regpol", records)).entries
        return [(e.keyname, e.valuename, e.type, e.data) for e in entries if not e.valuename.startswith("**")]

    def check_exported(self, policy, records, value):
        got = self.exported(records)
        wanted = [r for r in records if not r[1].startswith("**")]
        if AGREED[policy.name][0] == "list":  # the names of a list are free
            self.assertEqual({r[0] for r in got}, {r[0] for r in wanted})
            self.assertEqual(sorted(r[3] for r in got), sorted(r[3] for r in wanted))
            return
        self.assertEqual([r[:2] for r in got], [r[:2] for r in wanted])
        # a path without variables may be REG_SZ; a text is exported in its normal form
        self.assertIn(got[0][2], (wanted[0][2], gp.REG_SZ) if wanted[0][2] == gp.REG_EXPAND_SZ else (wanted[0][2],))
        self.assertIn(got[0][3], (wanted[0][3], value))

    def test_samba_reads_what_we_export(self):
        for policy in TEMPLATE.policies:
            for data, value in samples(policy):
                with self.subTest(policy=policy.name, data=data):
                    self.check_exported(policy, gp.enabled(policy, {e.id: data for e in policy.elements}), value)
            if policy.name not in WINDOWS_PATHS:  # whose default has no meaning here
                with self.subTest(policy=policy.name, data="disabled"):
                    self.check_exported(policy, gp.disabled(policy), None)


def main():
    if WITH_SAMBA and importlib.util.find_spec("samba") is None:
        print("no python3-samba")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], defaultTest="Samba" if WITH_SAMBA else "Test")


if __name__ == "__main__":
    main()
