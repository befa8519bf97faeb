#!/usr/bin/env python3
"""Whether the administrative template and the Intune material hold together: the rules of the schema that xmllint does
not know, and our own.

Usage: test_template.py admx/out tests/data/policy/settings.txt
"""
import copy
import json
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree as ET

from group_policy import CONTROLS, NS, REG_DWORD, REG_SZ, Language, Template, tag

KEY = r"Software\Policies\Mooring"
SEPARATOR = "\uf000"
OUT, SETTINGS = (pathlib.Path(arg) for arg in sys.argv[1:3])


def agreed_settings():
    """name -> its category, type, class, default, range or choices: the list that the table is compared with too."""
    rows = {}
    for line in SETTINGS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            category, name, kind, cls, default, extent, _ = line.split("; ", 6)
            rows[name] = {"category": category, "type": kind, "class": cls, "default": default, "extent": extent}
    return rows


# What SETTINGS.md calls an off value: what Disabled writes where it is not the default.
OFF = {"OneDriveDrive": "none", "ReadOnlyAboveMB": "0", "BlockAboveMB": "0", "UploadBlockAboveMB": "0",
       "MassDeleteThreshold": "0", "RequestSoftLimit": "0", "RequestHardLimit": "0"}
# Paths, whose default differs on Windows.
WINDOWS_DEFAULT = {"CacheDirectory": r"%LOCALAPPDATA%\Mooring\cache", "LogDirectory": r"%LOCALAPPDATA%\Mooring",
                   "JournalDirectory": r"%LOCALAPPDATA%\Mooring\journal"}


def duplicates(names):
    return sorted({name for name in names if names.count(name) > 1})


def references(root, table):
    pattern = re.compile(r"\$\(" + table + r"\.(\w+)\)")
    return [match for node in root.iter() for value in node.attrib.values() for match in pattern.findall(value)]


def language_problems(template, name, language):
    strings = [i for i, _ in language.strings]
    presentations = [i for i, _ in language.presentations]
    used = references(template.root, "string")
    shown = references(template.root, "presentation")
    yield from (f"{name}: string {i} twice" for i in duplicates(strings))
    yield from (f"{name}: presentation {i} twice" for i in duplicates(presentations))
    yield from (f"{name}: no string {i}" for i in sorted(set(used) - set(strings)))
    yield from (f"{name}: string {i} is not used" for i in sorted(set(strings) - set(used)))
    yield from (f"{name}: string {i} is empty" for i, text in language.strings if not text.strip())
    yield from (f"{name}: no presentation {i}" for i in sorted(set(shown) - set(presentations)))
    yield from (f"{name}: presentation {i} is not used" for i in sorted(set(presentations) - set(shown)))
    if language.root.get("revision") != template.root.get("revision"):
        yield f"{name}: revision {language.root.get('revision')}"


def control_problems(policy, element, control):
    if tag(control) != CONTROLS[element.kind]:
        yield f"{policy.name}: a {tag(control)} for a {element.kind}"
    elif element.kind == "decimal":
        low, high = int(element.get("minValue", "0")), int(element.get("maxValue", "9999"))
        if not low <= int(control.get("defaultValue", "1")) <= high:
            yield f"{policy.name}: the default {control.get('defaultValue')} is out of range"
    elif element.kind == "enum":
        if int(control.get("defaultItem", "-1")) not in range(len(element.items)):
            yield f"{policy.name}: nothing is preselected"
        if control.get("noSort") != "true":
            yield f"{policy.name}: the list is sorted, so that the preselected item is another one"
    elif element.kind == "text":
        default = control.findtext(NS + "defaultValue") or ""
        if len(default) > int(element.get("maxLength", "1023")):
            yield f"{policy.name}: the default is longer than the text may be"


def presentation_problems(policy, name, language):
    match = re.fullmatch(r"\$\(presentation\.(\w+)\)", policy.get("presentation") or "")
    node = dict(language.presentations).get(match.group(1)) if match else None
    if node is None:
        if policy.elements:
            yield f"{name}: {policy.name} has elements and no presentation"
        return
    controls = [c.get("refId") for c in node if c.get("refId")]
    elements = [e.id for e in policy.elements]
    yield from (f"{name}: {policy.name}: {i} has no control" for i in sorted(set(elements) - set(controls)))
    yield from (f"{name}: {policy.name}: a control for {i}" for i in sorted(set(controls) - set(elements)))
    yield from (f"{name}: {policy.name}: two controls for {i}" for i in duplicates(controls))
    yield from (f"{name}: {policy.name}: a combo box" for c in node if tag(c) == "comboBox")
    for element in policy.elements:
        for control in node:
            if control.get("refId") == element.id and tag(control) in CONTROLS.values():
                yield from control_problems(policy, element, control)


def disabled_problems(policy, element):
    covering = [value for key, name, value in policy.disabled_list
                if key == element.key and (element.kind == "list" or name == element.value_name)]
    if len(covering) != 1:
        yield f"{policy.name}: disabledList does not cover {element.id}"
        return
    kind, value = covering[0]
    if element.kind == "decimal" and (kind != REG_DWORD or not
                                      int(element.get("minValue", "0")) <= value <= int(element.get("maxValue", "9999"))):
        yield f"{policy.name}: Disabled writes {value}"
    if element.kind == "enum" and (kind, value) not in [v for _, v in element.items]:
        yield f"{policy.name}: Disabled writes {value}, which is not in the list"
    if element.kind == "list" and (kind, value) != (REG_SZ, "-"):
        yield f"{policy.name}: Disabled does not empty the list"
    if kind == REG_SZ and len(value) > 255:
        yield f"{policy.name}: Disabled writes more than 255 characters"


def element_problems(policy, element):
    if element.kind not in ("decimal", "text", "enum", "list"):
        yield f"{policy.name}: a {element.kind}"
    if element.kind == "decimal":
        if element.get("minValue") is None or element.get("maxValue") is None:
            yield f"{policy.name}: {element.id} is not bounded"
        elif not 0 <= int(element.get("minValue")) < int(element.get("maxValue")) < 2 ** 32:
            yield f"{policy.name}: the bounds of {element.id}"
    if element.kind == "list" and (element.key != f"{KEY}\\{policy.name}" or element.get("explicitValue") != "true"):
        yield f"{policy.name}: the list {element.id}"
    if element.kind != "list" and (element.value_name != policy.name or element.get("required") != "true"):
        yield f"{policy.name}: the element {element.id}"
    yield from disabled_problems(policy, element)


def policy_problems(template, policy):
    if not all((policy.get("displayName"), policy.get("explainText"), policy.category, policy.supported)):
        yield f"{policy.name}: title, explain text, category or release is missing"
    if policy.category not in template.categories:
        yield f"{policy.name}: there is no category {policy.category}"
    if policy.supported not in template.definitions:
        yield f"{policy.name}: there is no definition {policy.supported}"
    if policy.key != KEY:
        yield f"{policy.name}: writes to {policy.key}"
    if not policy.elements and (policy.enabled_value, policy.disabled_value) != ((REG_DWORD, 1), (REG_DWORD, 0)):
        yield f"{policy.name}: a switch writes 1 and 0"
    yield from (f"{policy.name}: {i} twice" for i in duplicates([e.id for e in policy.elements]))
    for element in policy.elements:
        yield from element_problems(policy, element)


def template_problems(template):
    root = template.root
    names = [p.name for p in template.policies] + [n.get("name") for n in root.iter(NS + "category")]
    yield from (f"the name {name} twice" for name in duplicates(names))
    yield from (f"definition {name} twice" for name in duplicates(template.definitions))
    yield from (f"uses {node.get('namespace')}" for node in root.iter(NS + "using"))
    yield from (f"the name {name}" for name in names if not re.fullmatch(r"\w+", name))
    used = {p.supported for p in template.policies}
    yield from (f"definition {name} is not used" for name in template.definitions if name not in used)
    if root.find(NS + "resources").get("minRequiredRevision") != root.get("revision"):
        yield "minRequiredRevision is not the revision"
    for node in root.iter():
        yield from (f"a reference into another namespace: {v}" for k, v in node.attrib.items() if k == "ref" and ":" in v)
    for policy in template.policies:
        yield from policy_problems(template, policy)


def problems(template, languages):
    found = list(template_problems(template))
    for name, language in languages.items():
        found += language_problems(template, name, language)
        for policy in template.policies:
            found += presentation_problems(policy, name, language)
    return found


def expected_default(name, row):
    return WINDOWS_DEFAULT.get(name, row["default"])


class Test(unittest.TestCase):
    def setUp(self):
        self.template = Template((OUT / "Mooring.admx").read_bytes())
        self.languages = {name: Language((OUT / name / "Mooring.adml").read_bytes()) for name in ("en-US", "de-DE")}
        self.agreed = agreed_settings()

    def test_files_are_what_windows_and_intune_take(self):
        for path in [OUT / "Mooring.admx"] + [OUT / name / "Mooring.adml" for name in self.languages]:
            data = path.read_bytes()
            self.assertLess(len(data), 1 << 20, path)
            self.assertTrue(data.startswith(b'<?xml version="1.0" encoding="utf-8"?>\r\n'), path)
            self.assertNotIn(b"\n", data.replace(b"\r\n", b""), path)
            data.decode("utf-8")

    def test_template_holds_together(self):
        self.assertEqual(problems(self.template, self.languages), [])

    def test_categories_are_the_agreed_ones(self):
        self.assertEqual([self.languages["en-US"].string(re.findall(r"\((?:string)\.(\w+)\)", n.get("displayName"))[0])
                          for n in self.template.categories.values()],
                         ["Mooring", "Account", "Mappings", "Transport", "Files", "Network", "Diagnostics"])
        for policy in self.template.policies:
            self.assertEqual(self.template.category_path(policy.category),
                             ["Mooring", "Mooring" + self.agreed[policy.name]["category"]])

    def test_policies_are_agreed_settings(self):
        for policy in self.template.policies:
            row = self.agreed[policy.name]
            self.assertEqual(policy.cls, row["class"], policy.name)
            kinds = {"switch": [], "number": ["decimal"], "enum": ["enum"], "list": ["list"], "text": ["text"]}
            kinds["text"] = ["enum"] if policy.name == "OneDriveDrive" else ["text"]
            self.assertEqual([e.kind for e in policy.elements], kinds[row["type"]], policy.name)
            for element in policy.elements:
                if row["type"] == "number":
                    self.assertEqual(f"{element.get('minValue')}..{element.get('maxValue')}", row["extent"], policy.name)
                if row["type"] == "enum":
                    self.assertEqual([value for _, value in element.items],
                                     [(REG_DWORD, i) for i in range(len(row["extent"].split(", ")))], policy.name)

    def preselected(self, policy, language):
        element = policy.elements[0]
        control = self.languages[language].control(policy.name, element.id)
        if element.kind == "decimal":
            return control.get("defaultValue")
        if element.kind == "text":
            return control.findtext(NS + "defaultValue") or ""
        kind, value = element.items[int(control.get("defaultItem"))][1]
        return self.agreed[policy.name]["extent"].split(", ")[value] if kind == REG_DWORD else value

    def test_preselected_is_the_default(self):
        for policy in self.template.policies:
            if policy.elements and policy.elements[0].kind != "list":
                for language in self.languages:
                    self.assertEqual(self.preselected(policy, language),
                                     expected_default(policy.name, self.agreed[policy.name]), policy.name)

    def test_disabled_writes_what_was_agreed(self):
        for policy in self.template.policies:
            row = self.agreed[policy.name]
            if row["type"] in ("switch", "list"):
                continue
            (_, name, (_, value)), = policy.disabled_list
            text = row["extent"].split(", ")[value] if row["type"] == "enum" else str(value)
            self.assertEqual(name, policy.name)
            self.assertEqual(text, OFF.get(policy.name, expected_default(policy.name, row)), policy.name)

    def test_help_says_all_in_both_languages(self):
        words = {"en-US": ("Not configured: ", "Disabled: ", "Example:\r?\n", "Registry: ", "Range: "),
                 "de-DE": ("Nicht konfiguriert: ", "Deaktiviert: ", "Beispiel:\r?\n", "Registrierung: ", "Bereich: ")}
        for policy in self.template.policies:
            helps = [self.languages[name].string(policy.name + "_Help") for name in words]
            self.assertNotEqual(*helps)
            for name, text in zip(words, helps):
                for word in words[name][:4]:
                    self.assertRegex(text, word, f"{name} {policy.name}")
                self.assertEqual(words[name][4] in text, self.agreed[policy.name]["type"] == "number", policy.name)
                self.assertIn(policy.name, text.split(words[name][3])[1])
                self.assertNotRegex(text, r"[{}]\w+[}]" if policy.name not in ("NameFormat", "CustomLoginUrl") else "$^")

    def test_german_is_german(self):
        for name, text in self.languages["de-DE"].strings:
            self.assertNotRegex(text, r"\b(the|which|of|and|is set)\b", name)

    # ---- Intune ----

    def intune(self, name):
        return json.loads((OUT / "intune" / name).read_text(encoding="utf-8"))

    def expected_uri(self, policy, scope):
        path = "~".join(self.template.category_path(policy.category))
        return f"./{scope}/Vendor/MSFT/Policy/Config/Mooring~Policy~{path}/{policy.name}"

    def test_uris_are_those_of_the_policy_csp(self):
        rows = self.intune("oma-uris.json")["policies"]
        self.assertEqual([row["name"] for row in rows], [p.name for p in self.template.policies])
        for row, policy in zip(rows, self.template.policies):
            self.assertEqual(row["device"], self.expected_uri(policy, "Device"))
            self.assertEqual(row.get("user"), self.expected_uri(policy, "User") if policy.cls == "Both" else None)

    def check_data(self, policy, data):
        element = next(e for e in policy.elements if e.id == data.get("id"))
        value = data.get("value")
        self.assertTrue(value, policy.name)
        if element.kind == "decimal":
            self.assertIn(int(value), range(int(element.get("minValue")), int(element.get("maxValue")) + 1))
        if element.kind == "enum":
            self.assertIn(value, [str(v) for _, (_, v) in element.items])
        if element.kind == "list":
            self.assertEqual(value.count(SEPARATOR) % 2, 1, policy.name)
            names = value.split(SEPARATOR)[::2]
            self.assertEqual(names, [str(i) for i in range(1, len(names) + 1)])

    def test_payloads_have_each_data_id(self):
        for row in self.intune("oma-uris.json")["policies"]:
            policy = self.template.policy(row["name"])
            root = ET.fromstring(f"<payload>{row['enabled']}</payload>")
            self.assertEqual(root[0].tag, "enabled")
            self.assertEqual([d.get("id") for d in root[1:]], [e.id for e in policy.elements])
            self.assertEqual(row["dataIds"], [e.id for e in policy.elements])
            self.assertEqual(row["disabled"], "<disabled/>")
            for data in root[1:]:
                self.check_data(policy, data)

    def test_profile_ingests_the_template(self):
        profile = self.intune("profile.json")
        self.assertEqual(profile["@odata.type"], "#microsoft.graph.windows10CustomConfiguration")
        row, = profile["omaSettings"]
        self.assertEqual(row["@odata.type"], "#microsoft.graph.omaSettingString")
        self.assertEqual(row["omaUri"],
                         "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/Mooring/Policy/Mooring")
        self.assertEqual(row["value"].encode("utf-8"), (OUT / "Mooring.admx").read_bytes())

    # ---- that the checks above can fail ----

    def broken(self, change):
        template, languages = copy.deepcopy((self.template, self.languages))
        change(template.root, languages["de-DE"].root)
        template = Template(ET.tostring(template.root))
        languages["de-DE"] = Language(ET.tostring(languages["de-DE"].root))
        return problems(template, languages)

    def assert_found(self, change, text):
        self.assertTrue(any(text in line for line in self.broken(change)), (text, self.broken(change)))

    @staticmethod
    def drop(root, name, /, **attributes):
        for parent in root.iter():
            for child in list(parent):
                if tag(child) == name and all(child.get(k) == v for k, v in attributes.items()):
                    parent.remove(child)

    @staticmethod
    def change(root, name, attribute, value, /, **attributes):
        for node in root.iter(NS + name):
            if all(node.get(k) == v for k, v in attributes.items()):
                if value is None:
                    del node.attrib[attribute]
                else:
                    node.set(attribute, value)

    def test_checks_can_fail(self):
        cases = [
            (lambda a, l: self.drop(l, "string", id="Cloud_2"), "no string Cloud_2"),
            (lambda a, l: self.drop(l, "presentation", id="Cloud"), "no presentation Cloud"),
            (lambda a, l: self.drop(l, "listBox", refId="Tenants"), "Tenants has no control"),
            (lambda a, l: self.change(l, "string", "id", "Cloud_1", id="Cloud_2"), "string Cloud_1 twice"),
            (lambda a, l: self.change(l, "decimalTextBox", "defaultValue", "99", refId="MaxConnections"), "out of range"),
            (lambda a, l: self.change(l, "dropdownList", "defaultItem", "9", refId="Cloud"), "preselected"),
            (lambda a, l: self.change(l, "listBox", "refId", "Tenant", refId="Tenants"), "a control for Tenant"),
            (lambda a, l: self.drop(a, "policy", name="Cloud"), "is not used"),
            (lambda a, l: self.drop(a, "disabledList"), "does not cover"),
            (lambda a, l: self.change(a, "decimal", "maxValue", None, id="CacheMinutes"), "CacheMinutes is not bounded"),
            (lambda a, l: self.change(a, "category", "name", "Transport", name="MooringTransport"), "Transport twice"),
            (lambda a, l: self.change(a, "supportedOn", "ref", "SUPPORTED_X"), "no definition SUPPORTED_X"),
            (lambda a, l: self.change(a, "policy", "key", "Software\\Microsoft", name="Cloud"), "writes to"),
            (lambda a, l: self.change(a, "policyDefinitions", "revision", "9.9") or a.set("revision", "9.9"), "revision"),
        ]
        for change, text in cases:
            self.assert_found(change, text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
