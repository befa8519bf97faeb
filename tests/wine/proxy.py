#!/usr/bin/env python3
"""For test_proxy.sh: a web proxy on loopback that asks for Basic authentication, and the script (PAC) that sends some hosts
to it. It tunnels to wherever it is asked to, so that TLS is the client's own, and writes each request to its log.
With --open it asks for nothing; with --negotiate it asks for Negotiate, and nothing satisfies it.

Usage: proxy.py READY LOG SECONDS HOST_PATTERN     READY gets the port once it listens
"""
import base64
import http.server
import pathlib
import select
import socket
import sys
import threading

READY, LOG, SECONDS, PATTERN = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
SECRET = "Basic " + base64.b64encode(b"anna:secret").decode()
lock = threading.Lock()


def note(line):
    with lock, LOG.open("a", encoding="utf-8") as log:
        log.write(line + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        port = self.server.server_address[1]
        note("pac")
        body = (f'function FindProxyForURL(url, host) {{\n'
                f'  if (shExpMatch(host, "{PATTERN}")) return "PROXY 127.0.0.1:{port}";\n'
                f'  return "DIRECT";\n}}\n').encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ns-proxy-autoconfig")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self):
        given = self.headers.get("Proxy-Authorization", "")
        if "--negotiate" in sys.argv or (given != SECRET and "--open" not in sys.argv):
            note(f"407 {self.path} {given}")
            self.send_response(407)
            self.send_header("Proxy-Authenticate", "Negotiate" if "--negotiate" in sys.argv else 'Basic realm="test"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        note("connect " + self.path)
        host, port = self.path.rsplit(":", 1)
        # every name of the simulated tenant is this machine
        with socket.create_connection(("127.0.0.1", int(port)), 10) as other:
            self.send_response(200)
            self.end_headers()
            self.pump(other)
        self.close_connection = True

    def pump(self, other):
        ends = [self.connection, other]
        while True:
            ready, _, _ = select.select(ends, [], [], 60)
            if not ready:
                return
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                (other if end is self.connection else self.connection).sendall(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
threading.Timer(SECONDS, server.shutdown).start()
READY.write_text(str(server.server_address[1]))
server.serve_forever()
