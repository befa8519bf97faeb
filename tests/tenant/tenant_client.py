"""What the Python tests of the simulated tenant share: starting it, and asking it things.

Standard library only (json, ssl, http.client), so that the client under test is not what is tested with.
"""
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))


class Answer:
    def __init__(self, status, headers, body, raw):
        self.status, self.headers, self.body, self.raw = status, headers, body, raw

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def __getitem__(self, name):
        return self.body[name]


class Tenant:
    """A running mooring-tenant; use it in a with statement."""

    def __init__(self, program, scenario="tiny.json", *options):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix="tenant-")
        self.state = os.path.join(self.dir, "state")
        path = scenario if os.path.isabs(scenario) else os.path.join(HERE, "scenarios", scenario)
        self.process = subprocess.Popen(
            [program, "--scenario", path, "--state", self.state, "--max-seconds", "240", "--die-with-parent",
             *options])
        ready = os.path.join(self.state, "tenant.json")
        deadline = time.monotonic() + 20
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the tenant did not start")
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as f:
            self.ready = json.load(f)
        with open(os.path.join(self.state, "control.key"), encoding="utf-8") as f:
            self.key = f.read()
        self.tls = ssl.create_default_context(cafile=self.ready["ca_file"])
        self.graph, self.login = self.ready["graph_url"], self.ready["login_url"]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)
        if code != 0:
            raise RuntimeError(f"the tenant ended with {code}")

    def connect(self, url):
        """A connection to where the URL points: its name for TLS, loopback for TCP."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port or 443, context=self.tls, timeout=30)

        def to_loopback(address, *rest, **more):
            return socket.create_connection(("127.0.0.1", address[1]), *rest, **more)

        connection._create_connection = to_loopback  # names below .localhost resolve nowhere in Python
        return connection

    def ask(self, method, url, body=None, headers=None, connection=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        elif isinstance(body, str):
            body = body.encode()
        own = connection or self.connect(url)
        parts = urllib.parse.urlsplit(url)
        target = parts.path + ("?" + parts.query if parts.query else "")
        try:
            own.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                own.putheader(name, value)
            if body is not None or method in ("POST", "PUT", "PATCH"):
                own.putheader("Content-Length", str(len(body or b"")))
            own.endheaders()
            if body:
                own.send(body)
            reply = own.getresponse()
            raw = reply.read()
        finally:
            if not connection:
                own.close()
        parsed = None
        if "json" in (reply.getheader("Content-Type") or "") and raw:
            parsed = json.loads(raw)
        return Answer(reply.status, reply.getheaders(), parsed, raw)

    def form(self, path, **fields):
        return self.ask("POST", self.login + path, urllib.parse.urlencode(fields),
                        {"Content-Type": "application/x-www-form-urlencoded"})

    def control(self, verb, **args):
        connection = http.client.HTTPConnection("127.0.0.1", self.ready["control_port"], timeout=30)
        connection.request("POST", "/" + verb, json.dumps(args), {"Authorization": "Bearer " + self.key})
        reply = connection.getresponse()
        body = json.loads(reply.read())
        connection.close()
        if reply.status != 200:
            raise RuntimeError(f"control {verb}: {reply.status} {body}")
        return body

    def token(self, user="ana", tenant="contoso", **more):
        return self.control("mint", user=user, tenant=tenant, **more)["access_token"]
