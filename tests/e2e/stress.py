#!/usr/bin/python3
"""
stress.py - writers, readers and renamers on a mount while the server stumbles; then the books are balanced.

  stress.py LIBRARY SECONDS SEED CONTROL...

LIBRARY is the mounted library; CONTROL... the command that asks the tenant (verb and JSON are added), or nothing for no faults.
Each thread has names of its own in shared folders, so that it knows what each file must hold. What it prints, as JSON:

  files    path -> {"sha256": ...} when the last change was reported as good,
           {"maybe": [...], "unsaved": ...} when it was reported as failed: one of these (null: no such file) is on the server,
           and unless that is `unsaved`, bytes with that hash are kept and named
  wrong    what is wrong already: reads of bytes that nobody wrote
"""
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time

THREADS = 16
FOLDERS = ["north", "south", "east"]

FAULTS = [
    {"match": {"host": "graph", "method": "GET"}, "action": {"status": 503}},
    {"match": {"host": "graph"}, "action": {"status": 429, "headers": {"Retry-After": "1"}}},
    {"match": {"host": "graph", "method": "PUT"}, "action": {"status": 423, "code": "resourceLocked"}},
    {"match": {"host": "graph", "method": "PUT"}, "action": {"status": 507, "code": "insufficientStorage"}},
    {"match": {"host": "graph", "method": "PUT"}, "action": {"run_first": True, "reset": True}},
    # untrue, so it is not said six times in a row: then it is believed, and both versions are kept
    {"match": {"host": "graph", "method": "POST", "path": "*createUploadSession"}, "action": {"status": 412, "code": "resourceModified"},
     "count": 1},
    {"match": {"host": "graph", "method": "POST", "path": "*createUploadSession"}, "action": {"status": 500}},
    {"match": {"host": "content", "method": "PUT"}, "action": {"run_first": True, "reset": True}},
    {"match": {"host": "content", "method": "PUT"}, "action": {"status": 404, "code": "itemNotFound"}},
    {"match": {"host": "content", "method": "PUT"}, "action": {"reset_at": 20000}},
    {"match": {"host": "content", "method": "GET"}, "action": {"truncate_after": 3000}},
    {"match": {"host": "content", "method": "GET"}, "action": {"status": 403}},
    {"match": {"host": "graph", "method": "PATCH"}, "action": {"run_first": True, "reset": True}},
    {"match": {"host": "graph", "method": "PATCH"}, "action": {"status": 500}},
    {"match": {"host": "graph", "method": "DELETE"}, "action": {"run_first": True, "reset": True}},
    {"match": {"host": "graph", "method": "DELETE"}, "action": {"status": 423, "code": "resourceLocked"}},
    {"match": {"host": "graph", "path": "*/children*"}, "action": {"status": 500}},
]


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Worker(threading.Thread):
    def __init__(self, root, number, seed, until):
        super().__init__()
        self.root = root
        self.number = number
        self.random = random.Random(seed * 1000 + number)
        self.until = until
        self.made = 0
        self.known = {}  # path -> bytes, as it must be
        self.books = {}  # path -> what a failure left open
        self.wrong = []
        self.counts = {}

    def run(self):
        actions = [self.write_new] * 4 + [self.overwrite] * 4 + [self.append] * 3 + [self.patch] * 3 + [self.read] * 8 + \
            [self.rename] * 3 + [self.replace] * 3 + [self.truncate, self.unlink, self.list]
        while time.monotonic() < self.until and not self.wrong:
            action = self.random.choice(actions)
            try:
                action()
                self.count(action.__name__)
            except OSError as e:
                self.count(action.__name__ + " failed: " + (e.strerror or "?"))

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def some(self):
        return self.random.choice(sorted(self.known)) if self.known else None

    def new_path(self):
        self.made += 1
        return "%s/w%d-%d.bin" % (self.random.choice(FOLDERS), self.number, self.made)

    def content(self):
        size = self.random.choice([0, 1, 500, 20000, 20000, 300000])
        return self.random.randbytes(size)

    # after a failure a path is left alone: what it holds is one of `maybe`
    def retire(self, path, maybe, unsaved=None):
        self.known.pop(path, None)
        self.books[path] = {"maybe": [None if m is None else sha(m) for m in maybe],
                            "unsaved": None if unsaved is None else sha(unsaved)}

    def change(self, path, new, flags, edit):
        """Opens, lets `edit` write, closes: `new` is what the file holds then."""
        old = self.known.get(path)
        fd = os.open(os.path.join(self.root, path), flags, 0o600)  # a failure here changes nothing
        try:
            edit(fd)
        except OSError:
            # the bytes never were whole: any state is right, and nothing is claimed of it
            self.known.pop(path, None)
            self.books.pop(path, None)
            try:
                os.close(fd)
            except OSError:
                pass
            raise
        try:
            os.close(fd)
        except OSError:
            self.retire(path, [old, new], new)
            raise
        self.known[path] = new

    def write_new(self):
        path, data = self.new_path(), self.content()
        if not data and self.random.random() < 0.8:
            data = b"x"
        if data:
            self.change(path, data, os.O_WRONLY | os.O_CREAT | os.O_EXCL, lambda fd: os.write(fd, data))

    def overwrite(self):
        path, data = self.some(), self.content()
        if path and data:
            self.change(path, data, os.O_WRONLY | os.O_TRUNC, lambda fd: os.write(fd, data))

    def append(self):
        path, data = self.some(), self.random.randbytes(700)
        if path:
            old = self.known[path]
            self.change(path, old + data, os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, data))

    def patch(self):
        path, data = self.some(), self.random.randbytes(100)
        if path and len(self.known[path]) > 200:
            old = self.known[path]
            at = self.random.randrange(len(old) - 100)
            self.change(path, old[:at] + data + old[at + 100:], os.O_RDWR, lambda fd: os.pwrite(fd, data, at))

    def truncate(self):
        path = self.some()
        if path and len(self.known[path]) > 10:
            old = self.known[path]
            try:
                os.truncate(os.path.join(self.root, path), 10)
                self.known[path] = old[:10]
            except OSError:
                self.retire(path, [old, old[:10]])
                raise

    def read(self):
        path = self.some()
        if path:
            with open(os.path.join(self.root, path), "rb") as f:
                got = f.read()
            if got != self.known[path]:
                self.wrong.append("%s: read %d bytes (%s), wrote %d (%s)" % (path, len(got), sha(got)[:8], len(self.known[path]),
                                                                          sha(self.known[path])[:8]))

    def rename(self):
        self.move(self.new_path())

    def replace(self):
        if len(self.known) > 5:
            self.move(self.some())

    def move(self, target):
        path = self.some()
        if not path or path == target:
            return
        old, there = self.known[path], self.known.get(target)
        try:
            os.rename(os.path.join(self.root, path), os.path.join(self.root, target))
        except OSError:
            self.retire(path, [old, None])
            self.retire(target, [there, old])
            raise
        del self.known[path]
        self.books[path] = {"maybe": [None], "unsaved": None}
        self.known[target] = old

    def unlink(self):
        path = self.some()
        if path and len(self.known) > 5:
            old = self.known[path]
            try:
                os.unlink(os.path.join(self.root, path))
            except OSError:
                self.retire(path, [old, None])
                raise
            del self.known[path]
            self.books[path] = {"maybe": [None], "unsaved": None}

    def list(self):
        folder = self.random.choice(FOLDERS)
        names = os.listdir(os.path.join(self.root, folder))
        for path in self.known:
            if path.startswith(folder + "/") and path[len(folder) + 1:] not in names:
                self.wrong.append("%s is not listed among %d names" % (path, len(names)))


def stumble(control, until, seed):
    rng = random.Random(seed)

    def tell(verb, what):
        subprocess.run(control + [verb, json.dumps(what)], check=True, stdout=subprocess.DEVNULL)

    while time.monotonic() < until:
        fault = {"count": rng.choice([1, 1, 2, 8]), **rng.choice(FAULTS)}
        tell("faults", fault)
        if rng.random() < 0.04:
            tell("pause", {"seconds": 2})
        if rng.random() < 0.15:
            tell("clear-faults", {})
        time.sleep(0.15)
    tell("clear-faults", {})


def main():
    root, seconds, seed, control = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    for folder in FOLDERS:
        os.mkdir(os.path.join(root, folder))
    until = time.monotonic() + seconds
    workers = [Worker(root, i, seed, until) for i in range(THREADS)]
    for w in workers:
        w.start()
    if control:
        stumble(control, until, seed)
    for w in workers:
        w.join()
    counts, files, wrong = {}, {}, []
    for w in workers:
        wrong += w.wrong
        files.update(w.books)
        files.update({path: {"sha256": sha(data)} for path, data in w.known.items()})
        for what, n in w.counts.items():
            counts[what] = counts.get(what, 0) + n
    json.dump({"files": files, "wrong": wrong, "counts": dict(sorted(counts.items()))}, sys.stdout, indent=1)


main()
