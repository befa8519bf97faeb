#!/usr/bin/env python3
"""What is permanent once it was released: names of policies, categories and elements, where they write, what the
positions of an enumeration mean. And that the revision grows with each change.

admx/released/<version>.txt lists them as they were in that release; the newest one counts. New names may be added.

Usage: test_released.py admx/out admx/released              compares
       test_released.py admx/out admx/released --record V   writes admx/released/V.txt, when V is released
"""
import hashlib
import pathlib
import sys
import unittest

from group_policy import NS, Template

OUT, RELEASED = (pathlib.Path(arg) for arg in sys.argv[1:3])
FILES = ("Mooring.admx", "en-US/Mooring.adml", "de-DE/Mooring.adml")


def load(out=OUT):
    return Template((out / FILES[0]).read_bytes())


def fingerprint(template, out=OUT):
    """Of everything but the revision itself."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((out / name).read_bytes().replace(f'"{template.root.get("revision")}"'.encode(), b'""'))
    return digest.hexdigest()


def facts(template):
    target = template.root.find(f"{NS}policyNamespaces/{NS}target")
    yield f"namespace {target.get('prefix')} {target.get('namespace')}"
    for name in template.definitions:
        yield f"definition {name}"
    for name in template.categories:
        yield f"category {'/'.join(template.category_path(name))}"
    for policy in template.policies:
        yield f"policy {policy.name} {policy.category} {policy.cls} {policy.key} {policy.value_name or '-'}"
        for element in policy.elements:
            yield f"element {policy.name} {element.id} {element.kind} {element.key} {element.value_name or '-'}"
            for position, (_, value) in enumerate(element.items):
                yield f"item {policy.name} {position} {value[0]} {value[1]}"


def revision(text):
    return tuple(int(part) for part in text.split("."))


def read(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    head = dict(line.split(" ", 1) for line in lines[:2])
    return head["revision"], head["sha256"], lines[2:]


def newest(folder):
    records = sorted(folder.glob("*.txt"), key=lambda path: revision(path.stem))
    return records[-1] if records else None


def problems(template, print_of_files, record):
    released_revision, released_print, released_facts = record
    now = set(facts(template))
    yield from (f"released, and now gone: {fact}" for fact in released_facts if fact not in now)
    if print_of_files != released_print and revision(template.root.get("revision")) <= revision(released_revision):
        yield f"the template changed since revision {released_revision}: raise ADMX_REVISION in admx.h"
    if revision(template.root.get("revision")) < revision(released_revision):
        yield "the revision went down"


class Test(unittest.TestCase):
    def setUp(self):
        self.template = load()
        self.record = read(newest(RELEASED))

    def test_released_names_stay(self):
        self.assertEqual(list(problems(self.template, fingerprint(self.template), self.record)), [])

    def test_comparison_can_fail(self):
        rev, _, lines = self.record
        cases = [((rev, "", lines + ["policy Gone MooringFiles Both x Gone"]), "now gone: policy Gone"),
                 (("999.0", "", lines), "raise ADMX_REVISION"), (("999.0", "", lines), "went down"),
                 ((self.template.root.get("revision"), "another", lines), "raise ADMX_REVISION")]
        for record, text in cases:
            self.assertTrue(any(text in p for p in problems(self.template, fingerprint(self.template), record)), text)


def write_record(version):
    template = load()
    path = RELEASED / f"{version}.txt"
    if path.exists():
        sys.exit(f"{path} exists: a release does not change")
    path.write_text(f"# What the template of Mooring {version} promised. Written once, by test_released.py --record.\n"
                    f"revision {template.root.get('revision')}\nsha256 {fingerprint(template)}\n"
                    + "".join(f"{fact}\n" for fact in facts(template)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[3:4] == ["--record"]:
        write_record(sys.argv[4])
    else:
        unittest.main(argv=sys.argv[:1])
