#!/usr/bin/env python3
"""Looks into Windows programs without running them: machine, hardening, and that they need only Windows' own DLLs.

Usage: check_pe.py x86_64|i686|aarch64 FOLDER...      exit code 1 and one line per finding
"""
import os
import struct
import sys

MACHINES = {"x86_64": 0x8664, "i686": 0x014C, "aarch64": 0xAA64}
HIGH_ENTROPY, DYNAMIC_BASE, NX_COMPAT = 0x0020, 0x0040, 0x0100

# Windows 10 and Server 2016 have all of these in System32. What is not here comes from somewhere else, and is a
# mistake of the build (libwinpthread, libssp, libgcc, zlib1 ...) or needs a look first.
SYSTEM = {
    "advapi32.dll", "bcrypt.dll", "crypt32.dll", "gdi32.dll", "iphlpapi.dll", "kernel32.dll", "msvcrt.dll",
    "mpr.dll", "ncrypt.dll", "normaliz.dll", "ole32.dll", "oleaut32.dll", "secur32.dll", "shell32.dll", "shlwapi.dll", "user32.dll",
    "userenv.dll", "version.dll", "winhttp.dll", "ws2_32.dll", "wtsapi32.dll", "rpcrt4.dll",
}


class Broken(Exception):
    pass


class Image:
    """As much of a PE file as the checks ask for."""

    def __init__(self, data):
        self.data = data
        if data[:2] != b"MZ":
            raise Broken("is not a Windows program")
        at = self.u32(0x3C)
        if data[at:at + 4] != b"PE\0\0":
            raise Broken("is not a Windows program")
        self.machine, sections = struct.unpack_from("<HH", data, at + 4)
        optional_size = self.u16(at + 20)
        optional = at + 24
        self.is_wide = self.u16(optional) == 0x20B
        self.characteristics = self.u16(optional + 70)
        self.subsystem = self.u16(optional + 68)
        count_at = optional + (108 if self.is_wide else 92)
        self.directories = [struct.unpack_from("<II", data, count_at + 4 + 8 * i) for i in range(self.u32(count_at))]
        self.sections = [struct.unpack_from("<8sIIII", data, optional + optional_size + 40 * i)
                         for i in range(sections)]

    def u16(self, at):
        return struct.unpack_from("<H", self.data, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def offset(self, rva):
        for _, size, start, raw_size, raw in self.sections:
            if start <= rva < start + max(size, raw_size):
                return raw + rva - start
        raise Broken("has an address outside its sections")

    def text(self, rva):
        at = self.offset(rva)
        return self.data[at:self.data.index(b"\0", at)].decode("ascii")

    def imports(self):
        rva, size = self.directories[1]
        names = []
        at = self.offset(rva) if size else None
        while at is not None and self.u32(at + 12):
            names.append(self.text(self.u32(at + 12)).lower())
            at += 20
        return names

    def resource_types(self):
        rva, size = self.directories[2]
        if not size:
            return set()
        at = self.offset(rva)
        count = self.u16(at + 12) + self.u16(at + 14)
        return {self.u32(at + 16 + 8 * i) for i in range(count)}


def findings(path, arch):
    with open(path, "rb") as file:
        image = Image(file.read())
    if image.machine != MACHINES[arch]:
        yield f"is built for machine 0x{image.machine:04X}, not for {arch}"
    for name in image.imports():
        if name not in SYSTEM and not name.startswith("api-ms-win-crt-"):
            yield f"needs {name}, which is no DLL of Windows that we know of"
    wanted = DYNAMIC_BASE | NX_COMPAT | (0 if arch == "i686" else HIGH_ENTROPY)
    if image.characteristics & wanted != wanted:
        yield f"has DllCharacteristics 0x{image.characteristics:04X}: ASLR, NX or high entropy is missing"
    if image.directories[5][1] == 0:
        yield "has no relocations: it always lies at the same address"
    if os.path.basename(os.path.dirname(path)) == "bin":
        for kind, title in ((16, "version resource"), (24, "manifest")):
            if kind not in image.resource_types():
                yield f"has no {title}"


def main():
    arch = sys.argv[1]
    count = wrong = 0
    for folder in sys.argv[2:]:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if not name.endswith((".exe", ".dll")):
                continue
            count += 1
            path = os.path.join(folder, name)
            try:
                for finding in findings(path, arch):
                    print(f"{name}: {finding}")
                    wrong += 1
            except (Broken, struct.error, ValueError) as why:
                print(f"{name}: {why}")
                wrong += 1
    print(f"{count} programs for {arch}, {wrong} findings")
    return 1 if wrong or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
