#!/usr/bin/env python3
"""What is inside the Windows programs: a CycloneDX SBOM, and the licences of what is linked, whole.

Usage: sbom.py notices --deps build/deps --arch ARCH --out FILE
       sbom.py sbom --deps build/deps --arch ARCH --version A.B.C --out FILE [--msi FILE]
Environment: SOURCE_DATE_EPOCH, the time of the SBOM (default: now)

Both follow what deploy/cmake/deps.sh recorded. A library that has no line in LICENCES stops the build: somebody has
to look at it first.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid

NAMESPACE = uuid.UUID("0f0ad2ae-7b6f-4f6e-9d3b-6a1f1a9d7c54")  # as in msi.py
NOT_LINKED = {"cmocka"}  # tests only

LICENCES = {
    "openssl": "Apache-2.0",
    "zlib": "Zlib",
    "nghttp2": "MIT",
    "curl": "curl",
    "cjson": "MIT",
    "libyaml": "MIT",
    "expat": "MIT",
    "sqlite3": "blessing",
    "libmicrohttpd": "LGPL-2.1-or-later",
    "mingw-w64": "ZPL-2.1",
    "compiler-rt": "Apache-2.0 WITH LLVM-exception",
    "libgcc": "GPL-3.0-or-later WITH GCC-exception-3.1",
}

# What the compilers of Debian link by themselves: library, the package with it and its licence.
RUNTIME = {
    "x86_64": (("mingw-w64", "mingw-w64-x86-64-dev"), ("libgcc", "gcc-mingw-w64-x86-64-posix-runtime")),
    "i686": (("mingw-w64", "mingw-w64-i686-dev"), ("libgcc", "gcc-mingw-w64-i686-posix-runtime")),
    "aarch64": (),  # made by deps.sh, and recorded like a library
}

# Debian's descriptions of licences name these instead of repeating them.
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")


class Part:
    def __init__(self, name, package, version, digest, texts):
        self.name = name
        self.package = package
        self.version = version
        self.digest = digest  # of the description of the source package; "" for a package of the build machine
        self.texts = texts  # files with its licences
        if name not in LICENCES:
            sys.exit(f"sbom.py: '{name}' is linked and has no licence in sbom.py")

    @property
    def upstream(self):
        return re.sub(r"(\.dfsg\d*)?([-+~][^-]*)?$", "", self.version.split(":", 1)[-1])


def prefixes(deps, arch):
    """Where each library was built to, and the folder of the sources."""
    with open(os.path.join(deps, arch + ".cmake"), encoding="utf-8") as file:
        text = file.read()
    folders = re.search(r'MOORING_DEPS "([^"]*)"', text).group(1).split(";")
    return {os.path.basename(folder).split("-", 1)[1].rsplit("-", 1)[0]: folder for folder in folders}, \
        os.path.join(os.path.dirname(folders[0]), "src")


def texts_of(name, package, version, folders, sources):
    if name in folders:
        return [os.path.join(folders[name], "share/doc", name, "copyright")]
    tree = os.path.join(sources, f"{package}_{version}", "tree")
    return {
        "mingw-w64": [os.path.join(tree, "COPYING"),
                      os.path.join(tree, "COPYING.MinGW-w64-runtime/COPYING.MinGW-w64-runtime.txt")],
        "compiler-rt": [os.path.join(tree, "compiler-rt/LICENSE.TXT")],
    }[name]


def parts_of(deps, arch):
    folders, sources = prefixes(deps, arch)
    parts = []
    with open(os.path.join(deps, arch + ".versions"), encoding="utf-8") as file:
        for line in file:
            name, package, version, digest = line.rstrip("\n").split("\t")
            if name not in NOT_LINKED:
                parts.append(Part(name, package, version, digest, texts_of(name, package, version, folders, sources)))
    for name, package in RUNTIME[arch]:
        version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True,
                                 check=True).stdout
        parts.append(Part(name, package, version, "", [f"/usr/share/doc/{package}/copyright"]))
    return sorted(parts, key=lambda part: part.name)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().replace("\r\n", "\n").strip("\n") + "\n"


def notices(parts):
    rule = "=" * 100 + "\n"
    out = ["Mooring contains the following software. What each licence says stands below, whole.\n\n"]
    out += [f"  {part.name} {part.upstream} ({LICENCES[part.name]})\n" for part in parts]
    out += ["\nWinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos, is not part of Mooring: it is\n"
            "installed apart, and used where it is there. https://github.com/winfsp/winfsp\n"]
    common = set()
    for part in parts:
        out += ["\n" + rule, f"{part.name} {part.upstream}, from {part.package} {part.version}\n", rule, "\n"]
        for path in part.texts:
            text = read(path)
            common |= set(COMMON.findall(text))
            out.append(text)
    for name in sorted(common):
        out += ["\n" + rule, f"/usr/share/common-licenses/{name}\n", rule, "\n",
                read(os.path.join("/usr/share/common-licenses", name))]
    return "".join(out)


def component(part):
    properties = [{"name": "mooring:linkage", "value": "static"}]
    if part.digest:
        properties.append({"name": "mooring:dsc-sha256", "value": part.digest})
    return {
        "type": "library",
        "bom-ref": f"{part.name}@{part.version}",
        "name": part.name,
        "version": part.upstream,
        "licenses": [{"expression": LICENCES[part.name]}],
        "purl": f"pkg:deb/debian/{part.package}@{part.version.replace(':', '%3A').replace('+', '%2B')}"
                + ("?arch=source" if part.digest else ""),
        "properties": properties,
    }


def sbom(parts, args):
    when = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    product = {"type": "application", "bom-ref": "mooring", "name": "Mooring", "version": args.version,
               "licenses": [{"license": {"id": "Apache-2.0"}}],
               "properties": [{"name": "mooring:architecture", "value": args.arch}]}
    if args.msi:
        with open(args.msi, "rb") as file:
            product["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(file.read()).hexdigest()}]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when)), "component": product},
        "components": [component(part) for part in parts],
        "dependencies": [{"ref": "mooring", "dependsOn": [f"{part.name}@{part.version}" for part in parts]}],
    }
    document["serialNumber"] = "urn:uuid:" + str(uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True)))
    return json.dumps(document, indent=2) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("notices", "sbom"))
    parser.add_argument("--deps", required=True)
    parser.add_argument("--arch", required=True, choices=sorted(RUNTIME))
    parser.add_argument("--version")
    parser.add_argument("--msi")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    parts = parts_of(args.deps, args.arch)
    with open(args.out, "w", encoding="utf-8") as file:
        file.write(notices(parts) if args.what == "notices" else sbom(parts, args))


if __name__ == "__main__":
    main()
