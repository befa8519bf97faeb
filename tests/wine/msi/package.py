#!/usr/bin/env python3
"""The packages that deploy/windows/build.sh makes, without installing them: what stands in the tables of the MSI against
what was checked in, that the same input gives the same bytes, signatures, sums, SBOM, licences.

Usage: package.py ARCH BUILDS            exit code 77 when the programs are not built
       package.py --write ARCH BUILDS    writes what is expected; read the difference before you commit it
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
BUILD = os.path.join(ROOT, "deploy", "windows", "build.sh")
VERSION = "1.2.3"
MACHINES = {"x86_64": 0x8664, "i686": 0x014C, "aarch64": 0xAA64}
TIME = "1767225600"  # 2026-01-01

# What depends on the content of the files, which changes with each commit.
CONTENT = {"File": ("FileSize", "Version"), "MsiFileHash": ("HashPart1", "HashPart2", "HashPart3", "HashPart4")}
PACKAGE_CODE = "9"  # a row of the summary


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, **options)


def fail(text):
    sys.exit(f"FAIL {text}")


def ok(text):
    print(f"ok   {text}", flush=True)


def build(out, arch, builds, *options):
    done = run(BUILD, "--no-install", "--no-build", "--arch", arch, "--builds", builds, "--version", VERSION, "--out", out,
               *options, env={**os.environ, "SOURCE_DATE_EPOCH": TIME})
    if done.returncode != 0 or done.stderr:
        fail(f"build.sh ended with {done.returncode}: {done.stderr}")
    return os.path.join(out, f"mooring-{VERSION}-{arch}")


def tables(msi):
    out = []
    names = [name for name in run("msiinfo", "tables", msi).stdout.split() if name != "_ForceCodepage"]
    for name in sorted(names):
        lines = subprocess.run(["msiinfo", "export", msi, name], capture_output=True, check=True,
                               env={**os.environ, "TZ": "UTC"}).stdout.decode().replace("\r", "").rstrip("\n").split("\n")
        columns = lines[0].split("\t")
        rows = []
        for line in lines[3:]:
            row = dict(zip(columns, line.split("\t")))
            for column in CONTENT.get(name, ()):
                if row[column]:
                    row[column] = "*"
            if name == "_SummaryInformation" and row["PropertyId"] == PACKAGE_CODE:
                row["Value"] = "*"
            rows.append("|".join(row[column] for column in columns))
        out += [f"== {name}: {'|'.join(columns)}", *sorted(rows), ""]
    return "\n".join(out)


def check_tables(arch, msi, is_write):
    expected = os.path.join(HERE, f"tables-{arch}.txt")
    got = tables(msi)
    if is_write:
        with open(expected, "w", encoding="utf-8") as file:
            file.write(got)
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(got)
        file.flush()
        done = run("diff", "-u", expected, file.name)
        if done.returncode != 0:
            fail(f"the tables of {arch} are not those of {expected} (package.py --write):\n{done.stdout}")
    ok("the tables are those that are expected")


def check_rules(arch, msi):
    """What holds for any table, whoever writes the expected ones."""
    text = tables(msi)
    for row in re.search(r"== CustomAction: [^\n]*\n(.*?)\n\n", text, re.S).group(1).split("\n"):
        name, kind, source, target, _ = row.split("|")
        kind = int(kind)
        if kind == 51:
            continue
        if kind & 0x3F != 18 or not kind & 1024 or not kind & 2048:
            fail(f"the action {name} is not a deferred one of the system: {kind}")
        if name.endswith("Undo") != bool(kind & 256):
            fail(f"the action {name} has another name than kind: {kind}")
        if source != "mooring.exe" or "[" in target:
            fail(f"the action {name} runs '{source}' with '{target}'")
    sequence = {row.split("|")[0]: int(row.split("|")[2]) for row in
                re.search(r"== InstallExecuteSequence: [^\n]*\n(.*?)\n\n", text, re.S).group(1).split("\n")}
    for name, at in sequence.items():
        if name.endswith("Undo") and sequence[name[:-4]] <= at:
            fail(f"{name} comes behind what it undoes")
    between = [name for name, at in sequence.items()
               if sequence["InstallInitialize"] < at < sequence["RemoveExistingProducts"]]
    if between or len(set(sequence.values())) != len(sequence):
        fail(f"actions before RemoveExistingProducts, or two at one place: {between}")
    if "HKCU" in text or re.search(r"^reg\w+\|[13]\|", text, re.M):
        fail("something of a user is installed")
    ok("actions are deferred, run by the system, and undone; nothing belongs to a user")
    template = {"x86_64": "x64;1033", "i686": "Intel;1033", "aarch64": "Arm64;1033"}[arch]
    if f"7|{template}\n" not in text:
        fail(f"the summary does not say {template}")
    ok(f"the package is for {template}")


def check_scripts(msi):
    """PowerShell is not in Debian: at least the scripts ask for what the package writes, and their brackets close."""
    text = tables(msi)
    deploy = os.path.join(ROOT, "deploy")
    scripts = [os.path.join(deploy, folder, name) for folder in ("intune", "gpo")
               for name in sorted(os.listdir(os.path.join(deploy, folder))) if name.endswith(".ps1")]
    for path in scripts:
        with open(path, encoding="ascii") as file:
            script = file.read()
        code = re.sub(r"\"[^\"]*\"|'[^']*'", "", re.sub(r"^\s*#.*$", "", script, flags=re.M))
        if "'" in code or '"' in code:
            fail(f"{path}: a quote is left open")
        for one, other in ("()", "{}", "[]"):
            if code.count(one) != code.count(other):
                fail(f"{path}: {one} and {other} do not match")
        for name in re.findall(r"\$setup\.(\w+)", script):
            if f"|Software\\MooringSetup|{name}|" not in text:
                fail(f"{path} reads the value {name}, which the package does not write")
        for name in re.findall(r"'(?:[\w-]+\\)?([\w-]+\.(?:exe|dll|admx|adml))'|\\(mooring\w*\.dll)", script):
            if f"|{name[0] or name[1]}|" not in text:
                fail(f"{path} names the file {name}, which the package does not have")
    if len(scripts) != 5:
        fail(f"the scripts are {scripts}")
    ok("the scripts for Intune and Group Policy name what the package has")


def extracted(msi, work):
    folder = os.path.join(work, "extracted")
    os.mkdir(folder)
    done = run("msiextract", "-C", folder, msi)
    if done.returncode != 0:
        fail(f"msiextract: {done.stderr}")
    return {name: os.path.join(root, name) for root, _, names in os.walk(folder) for name in names}


def machine(path):
    with open(path, "rb") as file:
        data = file.read(4096)
    at = int.from_bytes(data[0x3C:0x40], "little")
    return int.from_bytes(data[at + 4:at + 6], "little"), int.from_bytes(data[at + 8:at + 12], "little")


def check_files(arch, files):
    for name in ("mooring.exe", "mooring-agent.exe"):
        kind, stamp = machine(files[name])
        if kind != MACHINES[arch] or stamp not in (0, int(TIME)):
            fail(f"{name} is for {kind:#x} and of the time {stamp}")
    with open(files["THIRD-PARTY-NOTICES.txt"], encoding="utf-8") as file:
        notices = file.read()
    for sentence in ("WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos", "OpenSSL", "Daniel Stenberg",
                     "GNU LESSER GENERAL PUBLIC LICENSE", "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"):
        if sentence not in notices:
            fail(f"the notices do not say '{sentence}'")
    for missing in set(re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])", notices)):
        if f"\n/usr/share/common-licenses/{missing}\n====" not in notices:
            fail(f"the notices name {missing} and do not have its text")
    ok("programs are for this machine and of no other time; licences are whole")


def check_sbom(arch, base):
    with open(base + ".cdx.json", encoding="utf-8") as file:
        sbom = json.load(file)
    with open(base + ".msi", "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    product = sbom["metadata"]["component"]
    if sbom["bomFormat"] != "CycloneDX" or product["hashes"][0]["content"] != digest or product["version"] != VERSION:
        fail(f"the SBOM is not that of the package: {sbom['metadata']}")
    parts = {part["name"]: part for part in sbom["components"]}
    with open(os.path.join(ROOT, "build", "deps", arch + ".versions"), encoding="utf-8") as file:
        for line in file:
            name, _, version, digest = line.rstrip("\n").split("\t")
            if name == "cmocka":
                if name in parts:
                    fail("the SBOM has what only tests link")
            elif parts[name]["bom-ref"] != f"{name}@{version}" or digest not in json.dumps(parts[name]):
                fail(f"the SBOM says of {name}: {parts[name]}")
    if set(sbom["dependencies"][0]["dependsOn"]) != {part["bom-ref"] for part in sbom["components"]}:
        fail("the SBOM's dependencies are not its components")
    ok(f"the SBOM names {len(parts)} libraries as they were built")


def check_sums(folder):
    done = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)
    if done.returncode != 0 or done.stdout.count(": OK") != 3:
        fail(f"SHA256SUMS: {done.stdout}{done.stderr}")
    ok("SHA256SUMS is right")


def check_signatures(arch, builds, work):
    key, certificate = os.path.join(work, "key.pem"), os.path.join(work, "certificate.pem")
    done = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30",
               "-subj", "/CN=Mooring test", "-addext", "extendedKeyUsage=codeSigning")
    if done.returncode != 0:
        fail(f"openssl: {done.stderr}")
    base = build(os.path.join(work, "signed"), arch, builds, "--certificate", certificate, "--key", key)
    os.mkdir(os.path.join(work, "inside"))
    files = extracted(base + ".msi", os.path.join(work, "inside"))
    for path in (base + ".msi", files["mooring.exe"], files["mooring-agent.exe"], files["mooringnp.dll"]):
        done = run("osslsigncode", "verify", "-CAfile", certificate, "-in", path)
        if done.returncode != 0 or "Signature verification: ok" not in done.stdout:
            fail(f"the signature of {path}: {done.stdout}{done.stderr}")
    with open(files["mooring.exe"], "r+b") as file:
        file.seek(0x1000)
        byte = file.read(1)
        file.seek(0x1000)
        file.write(bytes([byte[0] ^ 1]))
    if run("osslsigncode", "verify", "-CAfile", certificate, "-in", files["mooring.exe"]).returncode == 0:
        fail("a changed program has a good signature")
    ok("programs and package are signed; a changed program is found out")


def main():
    is_write = sys.argv[1:2] == ["--write"]
    arch, builds = sys.argv[-2:]
    for need in (f"windows-{arch}/bin/mooring.exe", f"windows-{arch}/bin/mooring-agent.exe",
                 f"windows-{arch}/bin/mooringnp.dll", "windows-i686/bin/mooringnp.dll"):
        if not os.path.exists(os.path.join(builds, need)):
            print(f"SKIP: {need} is not built (deploy/windows/build.sh builds all three)")
            sys.exit(77)
    work = tempfile.mkdtemp(prefix="mooring-package-")
    try:
        base = build(os.path.join(work, "one"), arch, builds)
        check_tables(arch, base + ".msi", is_write)
        check_rules(arch, base + ".msi")
        check_scripts(base + ".msi")
        again = build(os.path.join(work, "two"), arch, builds)
        for end in (".msi", ".cdx.json", "-notices.txt"):
            if run("cmp", base + end, again + end).returncode != 0:
                fail(f"{end} differs from one run to the next")
        ok("the same input gives the same bytes")
        check_files(arch, extracted(base + ".msi", work))
        check_sbom(arch, base)
        check_sums(os.path.join(work, "one"))
        check_signatures(arch, builds, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
