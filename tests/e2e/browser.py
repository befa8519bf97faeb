#!/usr/bin/env python3
"""A person with a browser: opens URL in headless Chromium, signs in where a form asks for it, and prints where that led.

Usage: browser.py PROFILE CERT_HASHES HOST_RULES URL [USER]
CERT_HASHES: base64 SHA-256 of public keys that are believed (comma between them); HOST_RULES as --host-resolver-rules.
Prints a JSON object: url, title, text, and forms (how many were filled in). Speaks the DevTools protocol by a pipe.
"""
import json
import os
import shutil
import subprocess
import sys
import time

SECONDS = 60

# What a person does: fills in the name where it is asked for, and presses the button.
ACT = """
(() => {
  const form = document.querySelector('form');
  const name = form && form.querySelector('[name=login]');
  const button = form && form.querySelector('button, input[type=submit]');
  if (!name || !button || document.readyState !== 'complete') { return 'none'; }
  if (name.tagName === 'SELECT') {
    for (const option of name.options) { if (option.value.startsWith(USER)) { name.value = option.value; } }
  } else if (name.type !== 'hidden') { name.value = USER; }
  button.click();
  return 'pressed';
})()
"""
LOOK = "JSON.stringify({url: location.href, title: document.title, ready: document.readyState, " \
       "text: document.body ? document.body.innerText.slice(0, 500) : ''})"


class Browser:
    def __init__(self, profile, hashes, rules):
        to_read, self.output = os.pipe()
        self.input, to_write = os.pipe()
        self.buffer = b""
        self.number = 0

        def wire():  # the browser reads 3 and writes 4
            first, second = os.dup(to_read), os.dup(to_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        program = shutil.which("chromium") or sys.exit("chromium is not there")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
             f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={hashes}",
             f"--host-resolver-rules={rules}", "about:blank"],
            preexec_fn=wire, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)

    def call(self, method, params=None, session=None):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                data = os.read(self.input, 65536)
                if not data:
                    sys.exit("the browser ended")
                self.buffer += data
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.number:
                return answer.get("result", {})

    def evaluate(self, session, code):
        return self.call("Runtime.evaluate", {"expression": code}, session).get("result", {}).get("value")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def visit(browser, url, user):
    targets = browser.call("Target.getTargets")["targetInfos"]
    page = next(t for t in targets if t["type"] == "page")
    session = browser.call("Target.attachToTarget", {"targetId": page["targetId"], "flatten": True})["sessionId"]
    browser.call("Page.navigate", {"url": url}, session)
    forms = 0
    quiet = 0
    last = None
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and quiet < 8:
        time.sleep(0.25)
        if user and browser.evaluate(session, ACT.replace("USER", json.dumps(user))) == "pressed":
            forms += 1
            quiet = 0
            continue
        seen = browser.evaluate(session, LOOK)
        quiet = quiet + 1 if seen and seen == last and json.loads(seen)["ready"] == "complete" else 0
        last = seen or last
    found = json.loads(last or "{}")
    found["forms"] = forms
    return found


def main():
    browser = Browser(sys.argv[1], sys.argv[2], sys.argv[3])
    try:
        print(json.dumps(visit(browser, sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else None)))
    finally:
        browser.end()


if __name__ == "__main__":
    main()
