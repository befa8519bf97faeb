#!/usr/bin/env python3
"""One measurement each, for run.sh: does a thing once and prints what it took, in seconds unless said.

  measure.py scenario FULL|SMOKE logon|files     a scenario for the tenant
  measure.py list FOLDER WANTED                  names and attributes of its entries
  measure.py find FOLDER WANTED                  find(1) from there
  measure.py read FILE BYTES                     from open to end of file
  measure.py random FILE COUNT SEED              reads of 4 KiB, one after the other
  measure.py copy FROM TO STATE FOLDER WANTED    cp -r: until it returns, and until all is on the server
  measure.py script-copy FROM TO                 what is durable here at least: copy, fsync file and folder, commit a row
  measure.py word-save STATE FOLDER NAME         a document saved as Word does it: two times as well
  measure.py curl-list DRIVE FOLDER WANTED       the same listing, by bare requests
  measure.py curl-find DRIVE WANTED              a listing of each folder, 8 at a time
  measure.py curl-read DRIVE FILE BYTES          the same bytes, from the preauthenticated URL
  measure.py curl-random DRIVE FILE COUNT SEED   the same ranges
  measure.py curl-copy DRIVE FOLDER FROM         PUT of each file, 8 at a time: the time twice
  measure.py curl-save DRIVE FILE                PUT of the new content of an item: the time twice
  measure.py depth < LOG                         the longest chain of requests that waited for each other
  measure.py cpu PID SECONDS                     processor time that a process takes in that time

The curl ones need BENCH_GRAPH (URL), BENCH_CA (file) and BENCH_TOKEN. Every curl transfer is made on a connection that a
request before it has opened, and only the transfer counts: Mooring's connections are open as well when it is measured. What
is asked only to prepare a measurement says that it is the benchmark (PREPARES), so that nobody's requests are counted with it.
"""
import datetime
import json
import os
import random
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

READ_BYTES = 4096
SAVED_BYTES = 61000
PREPARES = "bench"
# what Mooring asks for (mapper/graph/request.h)
FIELDS = ("id,name,size,eTag,cTag,folder,package,remoteItem,fileSystemInfo,createdDateTime,lastModifiedDateTime,webUrl,"
          "malware,publication")


def fail(text):
    sys.exit(f"measure.py: {text}")


# --- scenarios ---


def sizes(which):
    if which == "SMOKE":
        return {"runs": 1, "entries": 60, "areas": 2, "folders": 5, "visited": 3, "read": (3, 7), "sites": 5}
    return {"runs": 5, "entries": 1000, "areas": 12, "folders": 99, "visited": 100, "read": (100, 600), "sites": 150}


def scenario(which, kind):
    size = sizes(which)
    tenant = {
        "name": "contoso",
        "display_name": "Contoso Ltd",
        "users": [{"name": "ana", "display_name": "Ana Ruiz"}],
    }
    if kind == "logon":
        tenant["generate"] = {"sites": size["sites"], "libraries_per_site": 2, "path_prefix": "/sites/project-",
                              "title": "Project", "tree": {"generate": {"folders": 8, "files_per_folder": 20}}}
    else:
        tenant["sites"] = [{"path": "/sites/bench", "title": "Bench", "libraries": libraries(size)}]
    json.dump({"tenants": [tenant]}, sys.stdout)


def libraries(size):
    runs = range(1, size["runs"] + 1)
    small, large = size["read"]
    return [
        {"path": "Lists", "tree": {"items": [
            {"name": f"Thousand {who} {run}", "generate": {"files_per_folder": size["entries"], "size": 2000}}
            for who in ("mooring", "curl", "rclone") for run in runs]}},
        {"path": "Folders", "tree": {"items": [
            {"name": f"Area {n:02}", "generate": {"folders": size["folders"], "files_per_folder": 5, "size": 2000}}
            for n in range(1, size["areas"] + 1)]}},
        {"path": "Visited", "tree": {"generate": {"folders": size["visited"], "files_per_folder": 999, "size": 2000,
                                                  "extensions": "docx,xlsx,pdf,txt"}}},
        {"path": "Large", "tree": {"items": [
            {"name": f"{mb} MB {who} {run}.bin", "size": mb * 1000000, "seed": run}
            for mb in (small, large) for who in ("mooring", "curl", "rclone") for run in runs] + [
            {"name": f"random {who} {run}.bin", "size": large * 1000000, "seed": run}
            for who in ("mooring", "curl", "rclone") for run in runs] + [
            {"name": "first.txt", "text": "a first read, which opens connections\n"}]}},
        {"path": "Inbox", "tree": {"items": [
            {"name": f"report {who} {run}.docx", "size": SAVED_BYTES - 1000, "seed": run}
            for who in ("mooring", "curl", "rclone") for run in runs]}},
    ]


# --- through a mount ---


def took(begin):
    print(f"{time.monotonic() - begin:.4f}")


def list_folder(folder, wanted):
    begin = time.monotonic()
    with os.scandir(folder) as entries:
        count = sum(1 for entry in entries if entry.stat(follow_symlinks=False).st_mtime > 0)
    if count != int(wanted):
        fail(f"{folder} has {count} entries, {wanted} expected")
    took(begin)


def find(folder, wanted):
    begin = time.monotonic()
    done = subprocess.run(["find", folder, "-mindepth", "1"], check=True, capture_output=True)
    count = done.stdout.count(b"\n")
    if count != int(wanted):
        fail(f"find saw {count} names below {folder}, {wanted} expected")
    took(begin)


def read(path, size):
    begin = time.monotonic()
    got = 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1024 * 1024):
            got += len(block)
    if got != int(size):
        fail(f"{path} gave {got} bytes, {size} expected")
    took(begin)


def offsets(size, count, seed):
    """Whole blocks, nowhere near each other, and the same for everybody."""
    chosen = random.Random(int(seed))
    return [chosen.randrange(size // READ_BYTES) * READ_BYTES for _ in range(int(count))]


def read_random(path, count, seed):
    begin = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        for offset in offsets(os.fstat(file.fileno()).st_size, count, seed):
            if len(os.pread(file.fileno(), READ_BYTES, offset)) != READ_BYTES:
                fail(f"{path}: a short read at {offset}")
    took(begin)


def on_server(state, verb, path):
    """What the tenant says of a path in the library that is written to; None: nothing is there."""
    tenant = os.path.join(os.environ["MOORING_BIN"], "mooring-tenant")
    wanted = json.dumps({"library": "/sites/bench/Inbox", "path": path})
    done = subprocess.run([tenant, "control", state, verb, wanted], capture_output=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def took_both(begin, is_on_server):
    """To be called when the program is done: until then, and until all that it wrote is on the server."""
    returned = time.monotonic() - begin
    while not is_on_server():
        if time.monotonic() - begin > 120:
            fail("not all came to the server")
        time.sleep(0.02)
    print(f"{returned:.4f} {time.monotonic() - begin:.4f}")


def copy(source, target, state, folder, wanted):
    def all_there():
        answer = on_server(state, "tree", folder) or {"items": []}
        return sum(1 for item in answer["items"] if not item["folder"]) >= int(wanted)

    os.mkdir(target)  # which waits for the server
    begin = time.monotonic()
    subprocess.run(["cp", "-r", source + "/.", target], check=True)
    took_both(begin, all_there)


def fsync_of(path, flags):
    file = os.open(path, flags)
    os.fsync(file)
    os.close(file)


def script_copy(source, target):
    names = sorted(os.listdir(source))
    os.mkdir(target)
    rows = sqlite3.connect(target + ".db", isolation_level=None)
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("PRAGMA synchronous=FULL")
    rows.execute("CREATE TABLE journal (name TEXT)")
    begin = time.monotonic()
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
        fsync_of(os.path.join(target, name), os.O_RDWR)
        fsync_of(target, os.O_RDONLY)
        rows.execute("INSERT INTO journal VALUES (?)", (name,))
    took(begin)


def word_save(state, folder, name):
    def place(part):
        return os.path.join(folder, part)

    def new_one_there():
        item = on_server(state, "item", name)
        return item is not None and item["size"] == SAVED_BYTES

    begin = time.monotonic()
    with open(place("~$" + name[2:]), "wb") as owner:
        owner.write(b"ana")
    with open(place("~WRD0001.tmp"), "wb") as file:
        file.write(os.urandom(SAVED_BYTES))
    os.rename(place(name), place("~WRL0002.tmp"))
    os.rename(place("~WRD0001.tmp"), place(name))
    os.unlink(place("~WRL0002.tmp"))
    os.unlink(place("~$" + name[2:]))
    took_both(begin, new_one_there)


# --- by bare requests ---


def graph_path(drive, path):
    return f"{os.environ['BENCH_GRAPH']}/v1.0/drives/{drive}/root:/{urllib.parse.quote(path)}"


def graph_get(url):
    headers = {"Authorization": "Bearer " + os.environ["BENCH_TOKEN"], "User-Agent": PREPARES}
    request = urllib.request.Request(url, headers=headers)
    context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        return json.load(answer)


def curl(transfers, *options):
    """transfers: lists of lines of a curl configuration; gives seconds and status of each, in the order they ended."""
    common = [f'cacert = "{os.environ["BENCH_CA"]}"', 'write-out = "%{stderr}%{time_total} %{http_code}\\n"', "no-progress-meter",
              'header = "Expect:"']
    config = "\nnext\n".join("\n".join(common + lines) for lines in transfers)
    done = subprocess.run(["curl", "-q", *options, "-K", "-"], input=config, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        fail(f"curl ended with {done.returncode}: {done.stderr[-300:]}")
    result = [line.split() for line in done.stderr.splitlines()]
    bad = [status for _, status in result if not status.startswith("2")]
    if bad or len(result) != len(transfers):
        fail(f"curl: {len(result)} of {len(transfers)} transfers ended, {len(bad)} with an error, the first {bad[:1]}")
    return [float(seconds) for seconds, _ in result]


def in_parallel(transfers):
    """Seconds for all, with the connections: to open 8 of them beside each other costs little of the whole."""
    begin = time.monotonic()
    curl(transfers, "--parallel", "--parallel-max", "8")
    return time.monotonic() - begin


def authorized(url, output="/dev/null"):
    return [f'url = "{url}"', f'header = "Authorization: Bearer {os.environ["BENCH_TOKEN"]}"', f'output = "{output}"']


def opening(transfer):
    """The transfer that opens the connection for those after it."""
    return transfer + [f'user-agent = "{PREPARES}"']


def opening_graph():
    return opening(authorized(os.environ["BENCH_GRAPH"] + "/v1.0/me"))


def children(folder):
    """One page holds 1,000 entries, so this is one request; more entries would need links of earlier answers."""
    return f"{folder}/children?$top=1000&$select={FIELDS}"


def curl_list(drive, folder, wanted):
    if int(wanted) > 1000:
        fail("a bare listing of more than one page is not measured")
    page = authorized(children(graph_path(drive, folder) + ":"))
    print(f"{curl([opening_graph(), page])[1]:.4f}")


def curl_find(drive, wanted):
    """Level after level, since only a folder's answer tells what is in it. What reading the answers takes is not counted."""
    items = f"{os.environ['BENCH_GRAPH']}/v1.0/drives/{drive}/items"
    folders, count, seconds = ["root"], 0, 0.0
    while folders:
        with tempfile.TemporaryDirectory() as answers:
            paths = [os.path.join(answers, str(n)) for n in range(len(folders))]
            seconds += in_parallel([authorized(children(f"{items}/{folder}"), path) for folder, path in zip(folders, paths)])
            found = []
            for path in paths:
                with open(path, encoding="utf-8") as file:
                    answer = json.load(file)
                if "@odata.nextLink" in answer:
                    fail("a bare listing of more than one page is not measured")
                found += [(item["id"], "folder" in item) for item in answer["value"]]
        count += len(found)
        folders = [item for item, is_folder in found if is_folder]
    if count != int(wanted):
        fail(f"curl saw {count} names, {wanted} expected")
    print(f"{seconds:.4f}")


def download_url(drive, path):
    return graph_get(graph_path(drive, path))["@microsoft.graph.downloadUrl"]


def ranged(url, offset, size):
    return [f'url = "{url}"', f'range = "{offset}-{offset + size - 1}"', 'output = "/dev/null"']


def curl_read(drive, path, size):
    url = download_url(drive, path)
    seconds = curl([opening(ranged(url, 0, 1)), ranged(url, 0, int(size))])
    print(f"{seconds[1]:.4f}")


def curl_random(drive, path, count, seed):
    item = graph_get(graph_path(drive, path))
    url = item["@microsoft.graph.downloadUrl"]
    wanted = [ranged(url, offset, READ_BYTES) for offset in offsets(item["size"], count, seed)]
    print(f"{sum(curl([opening(ranged(url, 0, 1))] + wanted)[1:]):.4f}")


def upload(url, path):
    return authorized(url) + [f'upload-file = "{path}"']


def curl_copy(drive, folder, source):
    transfers = []
    for name in sorted(os.listdir(source)):
        url = f"{graph_path(drive, f'{folder}/{name}')}:/content?@microsoft.graph.conflictBehavior=fail"
        transfers.append(upload(url, os.path.join(source, name)))
    seconds = in_parallel(transfers)
    print(f"{seconds:.4f} {seconds:.4f}")


def curl_save(drive, name):
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(SAVED_BYTES))
        file.flush()
        seconds = curl([opening_graph(), upload(f"{graph_path(drive, name)}:/content", file.name)])[1]
    print(f"{seconds:.4f} {seconds:.4f}")


# --- of the agent ---


def depth():
    """Two requests are one after the other when the second came after the first was answered."""
    spans = []
    for entry in json.load(sys.stdin)["requests"]:
        if not entry["batch"]:
            end = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp() * 1000
            spans.append((end - entry["ms"], end))
    spans.sort()
    chains = []
    for n, (begin, _) in enumerate(spans):
        chains.append(1 + max([chains[k] for k in range(n) if spans[k][1] <= begin + 1] or [0]))
    print(max(chains or [0]))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu(pid, seconds):
    before = cpu_seconds(pid)
    time.sleep(float(seconds))
    print(f"{cpu_seconds(pid) - before:.2f}")


COMMANDS = {
    "scenario": scenario, "list": list_folder, "find": find, "read": read, "random": read_random, "copy": copy,
    "script-copy": script_copy, "word-save": word_save, "curl-list": curl_list, "curl-find": curl_find, "curl-read": curl_read,
    "curl-random": curl_random, "curl-copy": curl_copy, "curl-save": curl_save, "depth": depth, "cpu": cpu,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        fail(f"usage: measure.py {'|'.join(COMMANDS)} ...")
    COMMANDS[sys.argv[1]](*sys.argv[2:])
