#!/usr/bin/env python3
"""Many clients at once: the tenant stays consistent, and no request fails for want of a lock.

usage: test_stress.py MOORING-TENANT      the run under ThreadSanitizer is the one that matters most
"""
import hashlib
import os
import random
import sys
import threading

from tenant_client import Tenant

THREADS, ROUNDS = 8, 25
LIBRARY = "/sites/finance/Shared Documents"


class Worker(threading.Thread):
    def __init__(self, tenant, drive, number):
        super().__init__()
        self.t, self.drive, self.number = tenant, drive, number
        self.random = random.Random(number)
        self.token = tenant.token("ana" if number % 2 else "ben")
        self.connection = tenant.connect(tenant.graph)
        self.truth = {}
        self.problems = []

    def ask(self, good, method, path, body=None, **headers):
        url = path if path.startswith("https:") else self.t.graph + "/v1.0" + path
        answer = self.t.ask(method, url, body, {"Authorization": "Bearer " + self.token, **headers}, self.connection)
        if answer.status not in good:
            self.problems.append(f"{method} {path}: {answer.status} {answer.raw[:200]}")
        return answer

    def content(self, method, url, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.t.ask(method, url, body, headers)

    def write(self, name):
        body = os.urandom(self.random.randrange(1, 60000))
        self.ask((200, 201), "PUT", f"{self.drive}/root:/Stress/{name}:/content", body)
        self.truth[name] = body

    def write_by_session(self, name):
        body = os.urandom(327680 + self.random.randrange(1, 100000))
        session = self.ask((200,), "POST", f"{self.drive}/root:/Stress/{name}:/createUploadSession",
                           {"item": {"@microsoft.graph.conflictBehavior": "replace"}})
        for first in (0, 327680):
            part = body[first:first + 327680]
            answer = self.content("PUT", session["uploadUrl"], part,
                                  Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(body)}")
        if answer.status not in (200, 201):
            self.problems.append(f"last fragment: {answer.status}")
        self.truth[name] = body

    def read(self, name):
        answer = self.ask((302,), "GET", f"{self.drive}/root:/Stress/{name}:/content")
        if self.content("GET", answer.header("Location")).raw != self.truth[name]:
            self.problems.append(f"{name} reads differently")

    def remove(self, name):
        self.ask((204,), "DELETE", f"{self.drive}/root:/Stress/{name}")
        del self.truth[name]

    def look(self):
        self.ask((200,), "GET", f"{self.drive}/root:/Many:/children?$top=50")
        self.ask((200,), "GET", f"{self.drive}/root/delta?token=latest")
        self.ask((200,), "POST", "/search/query", {"requests": [
            {"entityTypes": ["list", "driveItem"], "query": {"queryString": "Document*"}, "size": 20}]})
        self.ask((200,), "POST", "/$batch", {"requests": [
            {"id": str(i), "method": "GET", "url": f"{self.drive}/root:/Stress"} for i in range(5)]})
        self.t.control("write", library=LIBRARY, path=f"Stress/edit-{self.number}.txt", text="x" * self.number)
        self.t.control("stats")

    def run(self):
        for i in range(ROUNDS):
            name = f"{self.number}-{self.random.randrange(6)}.bin"
            if name not in self.truth or i % 4 == 0:
                self.write(name)
            elif i % 4 == 1:
                self.read(name)
            elif i % 4 == 2:
                self.write_by_session(name)
            else:
                self.remove(name)
            if i % 5 == 0:
                self.look()
        self.connection.close()


def main():
    with Tenant(sys.argv[1]) as t:
        drive = "/drives/" + next(d["id"] for d in t.control("libraries")["libraries"] if d["path"] == LIBRARY)
        t.control("mkdir", library=LIBRARY, path="Stress")
        workers = [Worker(t, drive, n) for n in range(1, THREADS + 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        problems = [p for w in workers for p in w.problems]
        want = {n: hashlib.sha256(b).hexdigest() for w in workers for n, b in w.truth.items()}
        tree = t.control("tree", library=LIBRARY, path="Stress")["items"]
        have = {i["path"]: i["sha256"] for i in tree if i["path"].endswith(".bin")}
        if want != have:
            problems.append(f"wanted {len(want)} files, there are {len(have)}, or contents differ")
        requests = t.control("stats")["requests"]
    for problem in problems[:20]:
        print("FAILED:", problem)
    print(f"{requests:.0f} requests, {len(want)} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
