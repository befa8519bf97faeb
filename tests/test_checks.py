#!/usr/bin/env python3
"""Proves that check_layers.py, check_source.py and check_symbols.sh fail on what they forbid and accept what they allow."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def run(script, path, text):
    """The exit code and output of `script` on a tree with one file."""
    with tempfile.TemporaryDirectory() as root:
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full))
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, script), root], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout


class Layers(unittest.TestCase):
    def forbids(self, path, include):
        code, out = run("check_layers.py", path, f"#include {include}\n")
        self.assertEqual(code, 1, f"{path} may include {include}")
        self.assertIn(path + ":1:", out)

    def allows(self, path, include):
        code, out = run("check_layers.py", path, f"#include {include}\n")
        self.assertEqual(code, 0, out)

    def test_forbids_arrows_that_point_up(self):
        self.forbids("base/x.c", '"policy/schema.h"')
        self.forbids("policy/x.c", '"transport/vfs.h"')
        self.forbids("transport/memfs.c", '"mapper/graph.h"')
        self.forbids("transport/np/posix/x.c", '"policy/settings.h"')
        self.forbids("mapper/vfs/x.c", '"policy/settings.h"')
        self.forbids("mapper/graph/x.c", '"transport/vfs.h"')
        self.forbids("base/include/base/x.h", '"mapper/plan.h"')
        self.forbids("tests/tenant/x.c", '"base/error.h"')

    def test_allows_arrows_that_point_down(self):
        self.allows("agent/x.c", '"mapper/graph.h"')
        self.allows("mapper/vfs/x.c", '"transport/vfs.h"')
        self.allows("policy/x.c", '"base/str.h"')
        self.allows("tests/base/x.c", '"base/str.h"')

    def test_forbids_third_party_headers_outside_their_owner(self):
        self.forbids("agent/x.c", "<curl/curl.h>")
        self.forbids("mapper/vfs/x.c", "<cjson/cJSON.h>")
        self.forbids("transport/memfs.c", "<fuse_lowlevel.h>")
        self.forbids("policy/schema.c", "<sqlite3.h>")
        self.forbids("base/x.c", "<openssl/evp.h>")
        self.forbids("base/x.c", "<windows.h>")
        self.forbids("base/win32/x.h", "<windows.h>")

    def test_allows_the_owner(self):
        self.allows("mapper/graph/x.c", "<curl/curl.h>")
        self.allows("transport/np/posix/x.c", "<fuse_lowlevel.h>")
        self.allows("policy/yaml.c", "<yaml.h>")
        self.allows("base/win32/x.c", "<windows.h>")

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as root:
            done = subprocess.run([sys.executable, os.path.join(HERE, "check_layers.py"), root], check=False,
                                  capture_output=True)
            self.assertEqual(done.returncode, 1)


class Source(unittest.TestCase):
    def forbids(self, text, path="base/x.c"):
        code, out = run("check_source.py", path, text)
        self.assertEqual(code, 1, text)
        self.assertIn(path + ":", out)

    def test_forbids(self):
        self.forbids("void f(char *b) { sprintf(b, \"x\"); }\n")
        self.forbids("int f(const char *b) { return atoi(b); }\n")
        self.forbids("/* " + "TO" + "DO later */\n")
        self.forbids("int x;  \n")
        self.forbids("\tint x;\n")
        self.forbids("#ifdef _WIN32\nint x;\n#endif\n")
        self.forbids("int x;\n" * 900)

    def test_allows(self):
        code, out = run("check_source.py", "base/x.c",
                        "/* not sprintf(), which has no bound */\nint f(void) { return snprintf(b, 1, \"atoi(\"); }\n")
        self.assertEqual(code, 0, out)


class Symbols(unittest.TestCase):
    def names(self, *sources):
        """The exit code and output of check_symbols.sh on one library for each source."""
        with tempfile.TemporaryDirectory() as root:
            libraries = []
            for index, source in enumerate(sources):
                stem = os.path.join(root, f"part{index}")
                with open(stem + ".c", "w", encoding="utf-8") as file:
                    file.write(source)
                subprocess.run(["cc", "-c", stem + ".c", "-o", stem + ".o"], check=True)
                subprocess.run(["ar", "rc", stem + ".a", stem + ".o"], check=True)
                libraries.append(stem + ".a")
            done = subprocess.run([os.path.join(HERE, "check_symbols.sh"), *libraries], capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stdout

    MANY = "".join(f"int name{i};" for i in range(100))

    def test_forbids_one_name_in_two_libraries(self):
        code, out = self.names(self.MANY + "int tree_find(void) { return 1; }", "int tree_find(void) { return 2; }")
        self.assertEqual(code, 1)
        self.assertEqual(out, "tree_find is defined in part0.a part1.a\n")

    def test_allows_static_names(self):
        code, out = self.names(self.MANY + "static int f(void) { return 1; } int g(void) { return f(); }",
                               "static int f(void) { return 2; } int h(void) { return f(); }")
        self.assertEqual((code, out), (0, ""))

    def test_does_not_pass_on_nothing(self):
        self.assertEqual(self.names("int alone;")[0], 1)


if __name__ == "__main__":
    unittest.main()
