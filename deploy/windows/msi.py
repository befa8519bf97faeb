#!/usr/bin/env python3
"""Makes one MSI of a folder of files, by mooring.wxs and wixl, and adds what wixl 0.101 cannot say.

Usage: msi.py --arch x86_64|i686|aarch64 --version A.B.C --files FOLDER --out FILE.msi
Environment: SOURCE_DATE_EPOCH, the time that stands in the file (default: now)

wixl's database is written out as text tables, changed here, sorted, and read into a new database: wixl numbers its
texts in an order that differs from run to run, and the same input must give the same bytes. All identifiers follow
from version, architecture and content. tests/wine/msi/ has the tables that are expected.
"""
import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
NAMESPACE = uuid.UUID("0f0ad2ae-7b6f-4f6e-9d3b-6a1f1a9d7c54")  # never changes: all other identifiers come from it
UPGRADE_CODE = {  # one product per architecture; a machine can have only one of them
    "x86_64": "{5B5C1D61-7C0B-4C80-9F2A-7C7B6D1B7E01}",
    "i686": "{5B5C1D61-7C0B-4C80-9F2A-7C7B6D1B7E02}",
    "aarch64": "{5B5C1D61-7C0B-4C80-9F2A-7C7B6D1B7E03}",
}
TEMPLATE = {"x86_64": "x64;1033", "i686": "Intel;1033", "aarch64": "Arm64;1033"}
COMPONENTS = ("Program", "AgentProgram", "Licences", "Setup", "Events", "Tenant", "ClientId", "Transport", "RunKey",
              "Provider", "Provider32", "Template", "TemplateEnglish", "TemplateGerman")

INSTALLER_VERSION, COMPRESSED, READ_ONLY_RECOMMENDED = 500, 2, 2

# ---- what wixl cannot say ----

COMPONENT_CONDITIONS = {  # a removal takes all of them, whatever has been changed since
    "Tenant": 'TENANT OR REMOVE="ALL"',
    "ClientId": 'CLIENTID OR REMOVE="ALL"',
    "Transport": 'TRANSPORTNUMBER OR REMOVE="ALL"',
    "RunKey": 'AUTOSTARTMODE="run" OR REMOVE="ALL"',
}
NOT_ADVERTISED = 8
TRANSITIVE = 64  # the condition counts again in a repair: AUTOSTART and the others can be changed

# Feature, level, condition: where files come by WebDAV alone, nothing is put into other people's programs.
FEATURE_CONDITIONS = (("NetworkProvider", 3, 'TRANSPORTNUMBER="2"'),)

SECURE = ("TENANT", "CLIENTID", "TRANSPORT", "AUTOSTART", "STARTAGENTS", "INSTALLDIR",
          "SAVED_FOLDER", "SAVED_AUTOSTART", "SAVED_TENANT", "SAVED_CLIENTID", "SAVED_TRANSPORT", "WINDOWS10",
          "WIX_UPGRADE_DETECTED", "WIX_DOWNGRADE_DETECTED")

SET = 51  # a property from a formatted text
PROGRAM = 18  # an installed file is run
CONTINUE, ROLLBACK, COMMIT, DEFERRED, SYSTEM = 64, 256, 512, 1024, 2048
MUST = PROGRAM | DEFERRED | SYSTEM
MAY = MUST | CONTINUE
UNDO = MAY | ROLLBACK
LAST = MAY | COMMIT

# By the states of components (? before, $ after), which are the same words in an installation and in a repair. Those of
# features are not: and Wine gives another one to a feature with a component whose condition is false.
INSTALLING = "$Program=3"
REMOVING = "$Program=2"
STOPPING = "?Program=3 AND ($Program=2 OR $Program=3)"
IS_NEW = " AND NOT ?Program=3"
PROVIDER_IN = "$Provider32=3"
PROVIDER_OUT = "$Provider32=2"

# Name, sequence, type, source, target, condition. An undo stands before what it undoes. What may fail must not stop
# an installation or a removal: agents that cannot be ended, and starting them again.
ACTIONS = (
    ("KeepFolder", 60, SET, "INSTALLDIR", "[SAVED_FOLDER]", "NOT INSTALLDIR AND SAVED_FOLDER"),
    ("KeepTenant", 61, SET, "TENANT", "[SAVED_TENANT]", "NOT TENANT AND SAVED_TENANT"),
    ("KeepClientId", 62, SET, "CLIENTID", "[SAVED_CLIENTID]", "NOT CLIENTID AND SAVED_CLIENTID"),
    ("TransportAuto", 63, SET, "TRANSPORTNUMBER", "0",
     'TRANSPORT~="Auto" OR (NOT TRANSPORT AND SAVED_TRANSPORT="#0")'),
    ("TransportNp", 64, SET, "TRANSPORTNUMBER", "1", 'TRANSPORT~="Np" OR (NOT TRANSPORT AND SAVED_TRANSPORT="#1")'),
    ("TransportWebDav", 65, SET, "TRANSPORTNUMBER", "2",
     'TRANSPORT~="WebDav" OR (NOT TRANSPORT AND SAVED_TRANSPORT="#2")'),
    ("AutostartTask", 66, SET, "AUTOSTARTMODE", "task",
     'AUTOSTART~="task" OR (NOT AUTOSTART AND SAVED_AUTOSTART<>"run" AND SAVED_AUTOSTART<>"none")'),
    ("AutostartRun", 67, SET, "AUTOSTARTMODE", "run", 'AUTOSTART~="run" OR (NOT AUTOSTART AND SAVED_AUTOSTART="run")'),
    ("AutostartNone", 68, SET, "AUTOSTARTMODE", "none",
     'AUTOSTART~="none" OR (NOT AUTOSTART AND SAVED_AUTOSTART="none")'),

    ("StopAgentsUndo", 1610, UNDO, "mooring.exe", "setup start-agents", STOPPING),
    ("StopAgents", 1611, MAY, "mooring.exe", "setup stop-agents", STOPPING),

    ("RemoveTaskUndo", 3470, UNDO, "mooring.exe", "setup add-task", REMOVING + ' AND SAVED_AUTOSTART="task"'),
    ("RemoveTask", 3471, MAY, "mooring.exe", "setup remove-task", REMOVING),
    ("RemoveProviderUndo", 3480, UNDO, "mooring.exe", "np register", PROVIDER_OUT),
    ("RemoveProvider", 3481, MAY, "mooring.exe", "np unregister", PROVIDER_OUT),

    ("AddProviderUndo", 4010, UNDO, "mooring.exe", "np unregister", PROVIDER_IN + " AND NOT ?Provider32=3"),
    ("AddProvider", 4011, MUST, "mooring.exe", "np register", PROVIDER_IN),
    ("AddTaskUndo", 4020, UNDO, "mooring.exe", "setup remove-task",
     'AUTOSTARTMODE="task" AND ' + INSTALLING + IS_NEW),
    ("AddTask", 4021, MUST, "mooring.exe", "setup add-task", 'AUTOSTARTMODE="task" AND ' + INSTALLING),
    ("DropTask", 4022, MAY, "mooring.exe", "setup remove-task", 'AUTOSTARTMODE<>"task" AND ' + INSTALLING),

    ("StartAgents", 6590, LAST, "mooring.exe", "setup start-agents",
     'AUTOSTARTMODE<>"none" AND NOT STARTAGENTS~="no" AND ' + INSTALLING),
)

# In the transaction, so that a failure brings the old version back; nothing may be scheduled between
# InstallInitialize (1500) and it.
REMOVE_EXISTING_PRODUCTS = 1501

PATH_TABLE = """Environment\tName\tValue\tComponent_
s72\tl255\tL255\ts72
Environment\tEnvironment
Path\t=-*PATH\t[~];[INSTALLDIR]\tProgram
"""
PATH_ACTIONS = (("RemoveEnvironmentStrings", 3300), ("WriteEnvironmentStrings", 5200))


class Table:
    """A table as msiinfo writes it: names of columns, their types, the key, rows."""

    def __init__(self, text):
        lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        self.columns = lines[0].split("\t")
        self.types = lines[1]
        self.name, *self.keys = lines[2].split("\t")
        self.rows = [dict(zip(self.columns, line.split("\t"))) for line in lines[3:]]

    def add(self, *values):
        self.rows.append(dict(zip(self.columns, (str(value) for value in values))))

    def row(self, key):
        found = [row for row in self.rows if row[self.keys[0]] == key]
        if len(found) != 1:
            sys.exit(f"msi.py: the table {self.name} has {len(found)} rows '{key}'")
        return found[0]

    def text(self):
        rows = sorted("\t".join(row[column] for column in self.columns) for row in self.rows)
        return "\r\n".join(["\t".join(self.columns), self.types, "\t".join([self.name, *self.keys]), *rows]) + "\r\n"


def run(*command, folder=None):
    """Its output. wixl ends with 0 when it ignored something: whatever it says is an error."""
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
    if done.returncode != 0 or done.stderr.strip():
        sys.exit(f"msi.py: {command[0]} failed ({done.returncode}): {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def identifier(*parts):
    return "{" + str(uuid.uuid5(NAMESPACE, "/".join(parts))).upper() + "}"


def content_of(folder):
    """One number for all files: a package of other content must have another package code."""
    digest = hashlib.sha256()
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                data = file.read()
            digest.update(f"{os.path.relpath(path, folder)}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def set_times(folder, when):
    for root, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(root, name), (when, when))


def run_wixl(out, args):
    is_wide = args.arch != "i686"
    defines = {"Version": args.version, "ProductCode": identifier(args.arch, "product", args.version),
               "UpgradeCode": UPGRADE_CODE[args.arch], "Win64": "yes" if is_wide else "no",
               "ProgramFiles": "ProgramFiles64Folder" if is_wide else "ProgramFilesFolder"}
    for name in COMPONENTS:
        defines["Id_" + name] = identifier(args.arch, "component", name)
    command = ["wixl", "-a", "x64" if is_wide else "x86", "-o", out]
    for name, value in defines.items():
        command += ["-D", f"{name}={value}"]
    run(*command, os.path.join(HERE, "mooring.wxs"), folder=args.files)


def read_tables(msi):
    tables = {}
    for name in run("msiinfo", "tables", msi).decode().split():
        if not name.startswith("_"):
            tables[name] = Table(run("msiinfo", "export", msi, name).decode())
    return tables


def change(tables, args):
    sequence = tables["InstallExecuteSequence"]
    sequence.row("RemoveExistingProducts")["Sequence"] = str(REMOVE_EXISTING_PRODUCTS)
    for name, at, kind, source, target, condition in ACTIONS:
        tables["CustomAction"].add(name, kind, source, target, "")
        sequence.add(name, condition, at)
        if kind == SET:  # the conditions for launching are asked in both
            tables["InstallUISequence"].add(name, condition, at)
    for row in tables["Feature"].rows:
        row["Attributes"] = str(NOT_ADVERTISED)
    tables["Environment"] = Table(PATH_TABLE)
    for name, at in PATH_ACTIONS:
        sequence.add(name, "", at)
    for name, condition in COMPONENT_CONDITIONS.items():
        row = tables["Component"].row(name)
        row["Condition"] = condition
        row["Attributes"] = str(int(row["Attributes"]) | TRANSITIVE)
    tables["Condition"] = Table("Feature_\tLevel\tCondition\ns38\ti2\tS255\nCondition\tFeature_\tLevel\n")
    for row in FEATURE_CONDITIONS:
        tables["Condition"].add(*row)
    tables["Property"].row("SecureCustomProperties")["Value"] = ";".join(sorted(SECURE))
    # A file without a version would give way to any that has one: what is versioned says so, and has no hash.
    for row in tables["File"].rows:
        if row["File"].endswith((".exe", ".dll")):
            row["Version"] = args.file_version + ".0"
            row["Language"] = "1033"
    versioned = {row["File"] for row in tables["File"].rows if row["Version"]}
    hashes = tables["MsiFileHash"]
    hashes.rows = [row for row in hashes.rows if row["File_"] not in versioned]


def summary(args, when):
    """What the property dialog shows of the file; wixl and msibuild would write the time of the run."""
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(when))
    table = Table("PropertyId\tValue\ni2\tl255\n_SummaryInformation\tPropertyId\n")
    for row in ((1, 1252), (2, "Installation Database"), (3, "Mooring " + args.version), (4, "The Mooring authors"),
                (5, "Installer"), (6, "SharePoint, Teams and OneDrive libraries as drives, online"),
                (7, TEMPLATE[args.arch]), (9, identifier(args.arch, "package", args.version, args.content)),
                (12, moment), (13, moment), (14, INSTALLER_VERSION), (15, COMPRESSED), (18, "msitools"),
                (19, READ_ONLY_RECOMMENDED)):
        table.add(*row)
    return table


def write_msi(out, tables, cabinet, work):
    """A new database, table by table in the order of their names; those without rows are left out."""
    command = ["msibuild", out]
    for name in sorted(tables):
        if tables[name].rows:
            path = os.path.join(work, name + ".idt")
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(tables[name].text())
            command += ["-i", path]
    run(*command)
    run("msibuild", out, "-a", "mooring.cab", cabinet)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--arch", required=True, choices=sorted(TEMPLATE))
    parser.add_argument("--version", required=True, help="of the product: A.B.C")
    parser.add_argument("--file-version", help="of the programs, when it differs")
    parser.add_argument("--files", required=True, help="folder with all that mooring.wxs names")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    args.file_version = args.file_version or args.version
    args.files = os.path.abspath(args.files)
    when = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    args.content = content_of(args.files)
    set_times(args.files, when)
    with tempfile.TemporaryDirectory() as work:
        first = os.path.join(work, "wixl.msi")
        cabinet = os.path.join(work, "mooring.cab")
        run_wixl(first, args)
        tables = read_tables(first)
        with open(cabinet, "wb") as file:
            file.write(run("msiinfo", "extract", first, "mooring.cab"))
        change(tables, args)
        tables["_SummaryInformation"] = summary(args, when)
        last = os.path.join(work, "last.msi")
        write_msi(last, tables, cabinet, work)
        os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
        with open(last, "rb") as source, open(args.out, "wb") as target:
            target.write(source.read())


if __name__ == "__main__":
    main()
