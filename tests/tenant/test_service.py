#!/usr/bin/env python3
"""What the service around the files does: sign-in, throttling, faults, batches, search, the network.

usage: test_service.py MOORING-TENANT [unittest arguments]
"""
import base64
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

from tenant_client import Tenant

PROGRAM = None
APP = "11111111-2222-4333-8444-555555555555"
SCOPE = "openid offline_access User.Read Files.ReadWrite.All Sites.Read.All"
CP1 = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
LIBRARY = "/sites/finance/Shared Documents"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.t = Tenant(PROGRAM)
        cls.id = cls.t.ready["tenants"][0]["id"]

    @classmethod
    def tearDownClass(cls):
        cls.t.__exit__()

    def tearDown(self):
        self.t.control("clear-faults")

    def get(self, path, token=None, **headers):
        url = path if path.startswith("https:") else self.t.graph + "/v1.0" + path
        return self.t.ask("GET", url, headers={"Authorization": "Bearer " + (token or self.t.token()), **headers})

    def post(self, path, body, token=None, **headers):
        return self.t.ask("POST", self.t.graph + "/v1.0" + path, body,
                          {"Authorization": "Bearer " + (token or self.t.token()), **headers})

    def token_request(self, tenant=None, **fields):
        return self.t.form(f"/{tenant or self.id}/oauth2/v2.0/token", **fields)

    def refresh(self, token, **more):
        return self.token_request(grant_type="refresh_token", client_id=more.pop("client_id", APP),
                                  refresh_token=token, **more)


def query_of(answer):
    return {k: v[0] for k, v in urllib.parse.parse_qs(
        urllib.parse.urlsplit(answer.header("Location")).query, keep_blank_values=True).items()}


class SignIn(Case):
    verifier = "v" * 50

    def authorize_query(self, **more):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        fields = {"client_id": APP, "response_type": "code", "redirect_uri": "http://localhost:50123", "scope": SCOPE,
                  "state": "s/1 &2", "code_challenge": challenge, "code_challenge_method": "S256"}
        fields.update(more)
        return urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})

    def authorize(self, tenant=None, headers=None, **more):
        return self.t.ask("GET", f"{self.t.login}/{tenant or self.id}/oauth2/v2.0/authorize?" +
                          self.authorize_query(**more), headers=headers)

    def code(self, **more):
        back = self.t.form(f"/{self.id}/login", ctx=self.authorize_query(**more), login="ana@contoso.onmicrosoft.com",
                           passwd="x", action="signin")
        self.assertEqual(302, back.status)
        return query_of(back), back

    def redeem(self, code, **more):
        fields = {"grant_type": "authorization_code", "client_id": APP, "code": code, "code_verifier": self.verifier,
                  "redirect_uri": "http://localhost:50123"}
        fields.update(more)
        return self.token_request(**fields)

    def test_code_comes_back_with_state_and_slash(self):
        query, back = self.code()
        self.assertEqual("s/1 &2", query["state"])
        self.assertTrue(back.header("Location").startswith("http://localhost:50123/?code="))
        tokens = self.redeem(query["code"])
        self.assertEqual(200, tokens.status)
        self.assertEqual("Ana Ruiz", self.get("/me", tokens["access_token"])["displayName"])
        claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
        self.assertEqual((self.id, "ana@contoso.onmicrosoft.com"), (claims["tid"], claims["preferred_username"]))

    def test_code_is_good_once(self):
        code = self.code()[0]["code"]
        self.assertEqual(200, self.redeem(code).status)
        again = self.redeem(code)
        self.assertEqual((400, "invalid_grant", [54005]), (again.status, again["error"], again["error_codes"]))

    def test_code_needs_its_verifier_redirect_and_client(self):
        for wrong in ({"code_verifier": "w" * 50}, {"code_verifier": ""}, {"redirect_uri": "http://localhost:50124"},
                      {"client_id": "22222222-2222-4333-8444-555555555555"}):
            self.assertEqual(400, self.redeem(self.code()[0]["code"], **wrong).status, wrong)

    def test_challenge_without_method_is_plain(self):
        query, _ = self.code(code_challenge=self.verifier, code_challenge_method=None)
        self.assertEqual(200, self.redeem(query["code"]).status)

    def test_code_of_another_tenant(self):
        code = self.code()[0]["code"]
        answer = self.token_request("fabrikam.onmicrosoft.com", grant_type="authorization_code", client_id=APP,
                                    code=code, redirect_uri="http://localhost:50123", code_verifier=self.verifier)
        self.assertEqual([700005], answer["error_codes"])

    def test_redirects_of_loopback(self):
        for redirect, good in (("http://localhost", True), ("http://localhost:1", True), ("http://localhost:65000/", True),
                               ("http://localhost/path", False), ("http://127.0.0.1:50123", False),
                               ("http://[::1]:50123", False), ("https://localhost:50123", False),
                               ("http://localhost:50123/;x", False), ("http://localhost.evil.example", False),
                               ("http://evil.example", False)):
            answer = self.authorize(redirect_uri=redirect)
            self.assertEqual(200 if good else 400, answer.status, redirect)
            if not good:
                self.assertIn(b"AADSTS50011", answer.raw)

    def test_cancel_and_silent_without_session(self):
        back = self.t.form(f"/{self.id}/login", ctx=self.authorize_query(), login="", action="cancel")
        self.assertEqual("access_denied", query_of(back)["error"])
        self.assertEqual("login_required", query_of(self.authorize(prompt="none"))["error"])

    def test_session_cookie_signs_in_silently(self):
        cookie = self.code()[1].header("Set-Cookie").split(";")[0]
        self.assertIn("code", query_of(self.authorize(prompt="none", headers={"Cookie": cookie})))
        self.assertEqual(200, self.authorize(prompt="login", headers={"Cookie": cookie}).status)

    def test_single_sign_on_needs_a_fresh_nonce(self):
        refresh = self.t.control("mint", user="ben")["refresh_token"]

        def credential(nonce):
            body = {"refresh_token": refresh}
            if nonce:
                body["request_nonce"] = nonce
            part = base64.urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=").decode()
            return {"x-ms-RefreshTokenCredential": "eyJhbGciOiJIUzI1NiJ9." + part + ".sig"}

        first = self.authorize(headers=credential(None))
        nonce = query_of(first)["sso_nonce"]
        self.assertIn("/oauth2/v2.0/authorize?", first.header("Location"))
        again = self.t.ask("GET", first.header("Location"), headers=credential(nonce))
        self.assertEqual(200, self.redeem(query_of(again)["code"]).status)
        nonce = self.t.form("/common/oauth2/token", grant_type="srv_challenge")["Nonce"]
        self.assertIn("code", query_of(self.authorize(headers=credential(nonce))))

    def test_device_code_states(self):
        def start():
            return self.t.form(f"/{self.id}/oauth2/v2.0/devicecode", client_id=APP, scope=SCOPE)

        def poll(device):
            return self.token_request(grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id=APP,
                                      device_code=device["device_code"])

        device = start()
        self.assertNotIn("verification_uri_complete", device.body)
        self.assertEqual("authorization_pending", poll(device)["error"])
        self.assertEqual("slow_down", poll(device)["error"])
        self.t.control("device", action="approve", user="ana")
        self.assertEqual(200, poll(device).status)
        self.assertEqual([90120], poll(device)["error_codes"])
        device = start()
        self.t.control("device", action="decline", user_code=device["user_code"])
        self.assertEqual("authorization_declined", poll(device)["error"])
        device = start()
        self.t.control("device", action="expire")
        self.assertEqual("expired_token", poll(device)["error"])
        self.assertEqual("bad_verification_code", poll({"device_code": "x"})["error"])
        device = start()
        page = self.t.form("/devicelogin", otc=device["user_code"].lower(), login="ana@contoso.onmicrosoft.com",
                           action="approve")
        self.assertIn(b'id="done"', page.raw)
        self.assertEqual(200, poll(device).status)
        self.t.control("signin", device_code_blocked=True)
        self.assertEqual([53003], start()["error_codes"])
        self.t.control("signin", device_code_blocked=False)

    def test_device_code_that_nobody_need_approve(self):
        self.t.control("signin", auto_approve=True)
        device = self.t.form("/organizations/oauth2/v2.0/devicecode", client_id=APP, scope=SCOPE)
        grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": APP,
                 "device_code": device["device_code"]}
        states = [self.token_request("organizations", **grant).status for _ in range(2)]
        self.assertIn("code", query_of(self.authorize()))
        self.t.control("signin", auto_approve=False)
        self.assertEqual([400, 200], states)

    def test_refresh_rotates_and_the_old_one_stays_good(self):
        minted = self.t.control("mint", user="ana", client_id=APP)
        first = self.refresh(minted["refresh_token"])
        second = self.refresh(minted["refresh_token"])
        tokens = {minted["refresh_token"], first["refresh_token"], second["refresh_token"]}
        self.assertEqual(3, len(tokens))
        wrong = self.refresh(minted["refresh_token"], client_id="22222222-2222-4333-8444-555555555555")
        self.assertEqual("client_mismatch", wrong["suberror"])
        self.assertEqual(401, self.refresh(minted["refresh_token"], client_secret="s").status)

    def test_revoked(self):
        minted = self.t.control("mint", user="cara", client_id=APP)
        self.assertEqual(200, self.get("/me", minted["access_token"]).status)
        self.t.control("revoke", user="cara")
        self.assertEqual(401, self.get("/me", minted["access_token"]).status)
        answer = self.refresh(minted["refresh_token"])
        self.assertEqual(("invalid_grant", [50173]), (answer["error"], answer["error_codes"]))

    def test_expired(self):
        token = self.t.token("ben")
        self.t.control("expire-tokens", user="ben")
        answer = self.get("/me", token)
        self.assertEqual(401, answer.status)
        self.assertIn("expired_token", answer.header("WWW-Authenticate"))

    def test_every_sign_in_error_can_be_had(self):
        refresh = self.t.control("mint", user="ana", client_id=APP)["refresh_token"]
        for number, error in ((50076, "invalid_grant"), (53003, "invalid_grant"), (65001, "invalid_grant"),
                              (700082, "invalid_grant"), (50196, "invalid_grant"), (700016, "unauthorized_client"),
                              (70011, "invalid_scope"), (50158, "interaction_required")):
            self.t.control("faults", match={"host": "login", "path": "*/token"}, action={"aadsts": number})
            answer = self.refresh(refresh)
            self.assertEqual((error, [number]), (answer["error"], answer["error_codes"]))
            self.assertTrue(answer["error_description"].startswith(f"AADSTS{number}:"))

    def test_consent(self):
        self.t.control("signin", consent="required")
        refresh = self.t.control("mint", user="ana", client_id=APP)["refresh_token"]
        self.assertEqual("consent_required", self.refresh(refresh)["suberror"])
        page = self.t.form(f"/{self.id}/login", ctx=self.authorize_query(), login="ana@contoso.onmicrosoft.com",
                           action="signin")
        self.assertIn(b"Permissions requested", page.raw)
        back = self.t.form(f"/{self.id}/login", ctx=self.authorize_query(), login="ana@contoso.onmicrosoft.com",
                           action="accept")
        self.assertIn("code", query_of(back))
        self.assertEqual(200, self.refresh(refresh).status)

    def test_admin_consent(self):
        self.t.control("signin", consent="admin")
        back = self.t.form(f"/{self.id}/login", ctx=self.authorize_query(), login="ana@contoso.onmicrosoft.com",
                           action="signin")
        self.assertEqual("consent_required", query_of(back)["error"])
        ctx = urllib.parse.urlencode({"client_id": APP, "scope": "https://graph.microsoft.com/Files.ReadWrite.All",
                                      "redirect_uri": "http://localhost:1", "state": "z"})
        refused = query_of(self.t.form(f"/{self.id}/v2.0/adminconsent", ctx=ctx, action="decline"))
        self.assertEqual(("True", "access_denied"), (refused["admin_consent"], refused["error"]))
        given = query_of(self.t.form(f"/{self.id}/v2.0/adminconsent", ctx=ctx, action="accept"))
        self.assertEqual(("True", self.id, "z"), (given["admin_consent"], given["tenant"], given["state"]))

    def test_claims_challenge(self):
        minted = self.t.control("mint", user="ana", client_id=APP)
        tokens = self.refresh(minted["refresh_token"], claims=CP1)
        self.assertEqual(28 * 3600, tokens["expires_in"])
        self.t.control("claims-challenge", user="ana")
        self.assertEqual(200, self.get("/me", minted["access_token"]).status, "without cp1 nobody is challenged")
        answer = self.get("/me", tokens["access_token"])
        self.assertEqual(401, answer.status)
        lines = [v for k, v in answer.headers if k.lower() == "www-authenticate"]
        self.assertEqual(2, len(lines))
        encoded = re.search(r'error="insufficient_claims", claims="([^"]+)"', lines[1]).group(1)
        demanded = json.loads(base64.b64decode(encoded))
        again = self.refresh(tokens["refresh_token"], claims=CP1)
        self.assertEqual(401, self.get("/me", again["access_token"]).status, "claims must be sent")
        demanded["access_token"]["xms_cc"] = {"values": ["cp1"]}
        met = self.refresh(tokens["refresh_token"], claims=json.dumps(demanded))
        self.assertEqual(200, self.get("/me", met["access_token"]).status)

    def test_interactive_challenge(self):
        minted = self.t.control("mint", user="ana", client_id=APP)
        self.t.control("claims-challenge", user="ana", interactive=True)
        answer = self.refresh(minted["refresh_token"], claims=CP1)
        self.assertEqual("interaction_required", answer["error"])
        self.assertIn("access_token", json.loads(answer["claims"]))
        self.assertEqual(200, self.redeem(self.code()[0]["code"]).status)
        self.assertEqual(200, self.refresh(minted["refresh_token"]).status)

    def test_unknown_tenant_and_realms(self):
        answer = self.t.ask("GET", self.t.login + "/nobody.example/v2.0/.well-known/openid-configuration")
        self.assertEqual([90002], answer["error_codes"])
        known = self.t.ask("GET", self.t.login + "/common/discovery/instance?api-version=1.0&authorization_endpoint=" +
                           urllib.parse.quote(self.t.login + "/common/oauth2/v2.0/authorize"))
        self.assertIn("tenant_discovery_endpoint", known.body)
        unknown = self.t.ask("GET", self.t.login + "/common/discovery/instance?api-version=1.0&authorization_endpoint=" +
                             "https%3A%2F%2Fevil.example%2Fcommon%2Foauth2")
        self.assertEqual("invalid_instance", unknown["error"])
        realm = self.t.ask("GET", self.t.login + "/common/userrealm/ana%40contoso.onmicrosoft.com?api-version=1.0")
        self.assertEqual("Managed", realm["account_type"])

    def test_scopes_are_held_to(self):
        reader = self.t.token(scope="User.Read Files.Read.All")
        self.assertEqual(200, self.get("/me/drive", reader).status)
        self.assertEqual(403, self.post("/me/drive/root/children", {"name": "n", "folder": {}}, reader).status)
        self.assertEqual(403, self.get("/sites/root", reader).status)
        self.assertEqual(403, self.get("/me/joinedTeams").status)
        self.assertEqual(200, self.get("/me/joinedTeams", self.t.token(scope="Team.ReadBasic.All")).status)


class Throttling(Case):
    def tearDown(self):
        super().tearDown()
        self.t.control("throttle", enabled=False, app_minute=1200, user_5min=3000, retry_form="seconds", status=429)

    def test_costs_are_counted(self):
        token = self.t.token()
        self.t.control("clear-log")
        for path in ("/me/drive", "/me/drive/root/children", "/me"):
            self.get(path, token)
        self.assertEqual([1, 2, 0], [r["ru"] for r in self.t.control("requests")["requests"]])

    def test_user_limit(self):
        self.t.control("throttle", enabled=True, user_5min=1)
        answer = self.get("/me")
        self.assertEqual((429, "activityLimitReached"), (answer.status, answer["error"]["code"]))
        self.assertTrue(1 <= int(answer.header("Retry-After")) <= 250)
        self.t.control("throttle", retry_form="date", status=503)
        answer = self.get("/me")
        self.assertEqual(503, answer.status)
        self.assertRegex(answer.header("Retry-After"), r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
        self.t.control("throttle", retry_form="absent")
        self.assertIsNone(self.get("/me").header("Retry-After"))

    def test_retired_preview_headers(self):
        token = self.t.token()
        self.t.control("throttle", enabled=True, app_minute=10000, ratelimit_headers=True)
        self.assertIsNone(self.get("/me", token).header("RateLimit-Limit"))
        spent = max(a["last_minute"] for a in self.t.control("stats")["ledger"]["accounts"]
                    if a["account"].startswith("app"))
        self.t.control("throttle", app_minute=spent + 1)
        answer = self.get("/me/drive", token)
        self.assertEqual((200, str(spent + 1)), (answer.status, answer.header("RateLimit-Limit")))
        self.t.control("throttle", ratelimit_headers=False)

    def test_inner_requests_are_throttled_one_by_one(self):
        token = self.t.token()
        used = [a for a in self.t.control("stats")["ledger"]["accounts"] if a["account"].startswith("app")]
        spent = sum(a["last_minute"] for a in used)
        self.t.control("throttle", enabled=True, app_minute=spent + 2)
        batch = {"requests": [{"id": str(i), "method": "GET", "url": "/me/drive"} for i in range(4)]}
        answer = self.post("/$batch", batch, token)
        self.assertEqual(200, answer.status)
        states = sorted(r["status"] for r in answer["responses"])
        self.assertEqual([200, 200, 429, 429], states)
        self.assertTrue(all("Retry-After" in r["headers"] for r in answer["responses"] if r["status"] == 429))

    def test_batch_rules(self):
        one = {"id": "a", "method": "GET", "url": "me"}
        self.assertEqual(200, self.post("/$batch", {"requests": [one]})["responses"][0]["status"])
        self.assertEqual(400, self.post("/$batch", {"requests": [one, {**one, "id": "A"}]}).status)
        self.assertEqual(400, self.post("/$batch", {"requests": [{**one, "id": str(i)} for i in range(21)]}).status)
        cycle = [{**one, "id": "1", "dependsOn": ["2"]}, {**one, "id": "2", "dependsOn": ["1"]}]
        answer = self.post("/$batch", {"requests": cycle})
        self.assertIn(424, [r["status"] for r in answer["responses"]])
        untyped = {"id": "1", "method": "PATCH", "url": "/me/drive/root", "body": {"name": "x"}}
        self.assertEqual(400, self.post("/$batch", {"requests": [untyped]})["responses"][0]["status"])


class Faults(Case):
    def test_rule_counts_and_lets_pass(self):
        self.t.control("faults", match={"path": "/v1.0/me", "user": "ana"}, after=1, count=2,
                       action={"status": 500, "code": "generalException"})
        token = self.t.token()
        self.assertEqual([200, 500, 500, 200], [self.get("/me", token).status for _ in range(4)])
        self.assertEqual(200, self.get("/me", self.t.token("ben")).status)

    def test_unknown_members_are_refused(self):
        for rule in ({"action": {"stauts": 500}}, {"match": {"url": "x"}, "action": {}}, {"match": {}}):
            with self.assertRaises(RuntimeError):
                self.t.control("faults", **rule)

    def test_effect_without_answer(self):
        self.t.control("faults", match={"method": "POST", "path": "*children"}, action={"run_first": True, "status": 504})
        self.assertEqual(504, self.post("/me/drive/root/children", {"name": "Lost", "folder": {}}).status)
        self.assertEqual(200, self.get("/me/drive/root:/Lost").status)

    def test_body_and_headers(self):
        self.t.control("faults", match={"path": "/v1.0/me"},
                       action={"status": 502, "body": "<html>", "headers": {"Content-Type": "text/html"},
                               "retry_after_date": 3})
        answer = self.get("/me")
        self.assertEqual((502, b"<html>", "text/html"), (answer.status, answer.raw, answer.header("Content-Type")))
        self.assertIn("GMT", answer.header("Retry-After"))

    def test_truncated(self):
        self.t.control("faults", match={"path": "/v1.0/me"}, action={"truncate_after": 20})
        with self.assertRaises(http.client.IncompleteRead) as raised:
            self.get("/me")
        self.assertEqual(20, len(raised.exception.partial))

    def test_truncated_without_a_length(self):
        self.t.control("network", chunked=True)
        whole = self.get("/me")
        self.t.control("faults", match={"path": "/v1.0/me"}, action={"truncate_after": 20})
        with self.assertRaises(http.client.IncompleteRead):
            self.get("/me")
        self.t.control("network", chunked=False)
        self.assertEqual((200, None), (whole.status, whole.header("Content-Length")))
        self.assertEqual("Ana Ruiz", whole["displayName"])

    def test_reset_before_the_answer(self):
        self.t.control("faults", match={"path": "/v1.0/me"}, action={"reset": True})
        with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
            self.get("/me")
        self.assertEqual(200, self.get("/me").status)

    def test_reset_in_an_upload(self):
        url = self.t.graph + "/v1.0/me/drive/root:/broken.bin:/content"
        token = self.t.token()
        self.t.control("faults", match={"method": "PUT"}, action={"reset_at": 100000})
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.t.ask("PUT", url, b"x" * 5000000, {"Authorization": "Bearer " + token})
        self.assertEqual(404, self.get("/me/drive/root:/broken.bin", token).status)

    def test_stall(self):
        self.t.control("faults", match={"path": "/v1.0/me"}, action={"stall": True})
        connection = self.t.connect(self.t.graph)
        connection.timeout = 1
        with self.assertRaises(TimeoutError):
            self.t.ask("GET", self.t.graph + "/v1.0/me", headers={"Authorization": "Bearer " + self.t.token()},
                       connection=connection)
        connection.close()

    def test_delay(self):
        self.t.control("faults", match={"path": "/v1.0/me"}, action={"delay_ms": 300})
        begin = time.monotonic()
        self.get("/me")
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)

    def test_inner_request(self):
        self.t.control("faults", match={"path": "/v1.0/me", "in_batch": True}, action={"status": 503})
        self.assertEqual(200, self.get("/me").status)
        answer = self.post("/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/me"}]})
        self.assertEqual((200, 503), (answer.status, answer["responses"][0]["status"]))


class Network(Case):
    def test_round_trip_time(self):
        """Three round trips for the first request of a connection, one for each other one."""
        self.t.control("network", rtt_ms=100)
        token = self.t.token()
        connection = self.t.connect(self.t.graph)
        begin = time.monotonic()
        ask = {"headers": {"Authorization": "Bearer " + token}, "connection": connection}
        self.t.ask("GET", self.t.graph + "/v1.0/me", **ask)
        first = time.monotonic() - begin
        self.t.ask("GET", self.t.graph + "/v1.0/me", **ask)
        second = time.monotonic() - begin - first
        connection.close()
        self.t.control("network", rtt_ms=0)
        self.assertGreaterEqual(first, 0.3)
        self.assertGreaterEqual(second, 0.1)
        self.assertLess(second, first)

    def test_bandwidth(self):
        token = self.t.token()
        self.t.ask("PUT", self.t.graph + "/v1.0/me/drive/root:/mb.bin:/content", b"y" * 1000000,
                   {"Authorization": "Bearer " + token})
        url = self.get("/me/drive/root:/mb.bin", token)["@microsoft.graph.downloadUrl"]
        self.t.control("network", mbit=16)  # 2 MB/s
        begin = time.monotonic()
        body = self.t.ask("GET", url).raw
        down = time.monotonic() - begin
        begin = time.monotonic()
        self.t.ask("PUT", self.t.graph + "/v1.0/me/drive/root:/mb.bin:/content", body,
                   {"Authorization": "Bearer " + token})
        up = time.monotonic() - begin
        self.t.control("network", mbit=0)
        self.assertEqual(1000000, len(body))
        self.assertGreaterEqual(down, 0.45)
        self.assertGreaterEqual(up, 0.45)

    def test_three_hundred_connections(self):
        token = self.t.token()
        open_ones = [self.t.connect(self.t.graph) for _ in range(300)]
        failures = []

        def use(part):
            for connection in part:
                try:
                    answer = self.t.ask("GET", self.t.graph + "/v1.0/me",
                                        headers={"Authorization": "Bearer " + token}, connection=connection)
                    if answer.status != 200:
                        failures.append(answer.status)
                except OSError as e:
                    failures.append(e)

        threads = [threading.Thread(target=use, args=(open_ones[i::10],)) for i in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.assertGreaterEqual(self.t.control("stats")["max_connections"], 300)
        for connection in open_ones:
            connection.close()

    def test_pause(self):
        token = self.t.token()
        kept = self.t.connect(self.t.graph)
        ask = {"headers": {"Authorization": "Bearer " + token}}
        self.t.ask("GET", self.t.graph + "/v1.0/me", connection=kept, **ask)
        self.t.control("pause", seconds=60)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.t.ask("GET", self.t.graph + "/v1.0/me", connection=kept, **ask)
        with self.assertRaises((OSError, ssl.SSLError)):
            self.t.ask("GET", self.t.graph + "/v1.0/me", **ask)
        self.t.control("pause", seconds=0)
        self.assertEqual(200, self.t.ask("GET", self.t.graph + "/v1.0/me", **ask).status)

    def test_listens_on_loopback_only(self):
        with open("/proc/net/tcp", encoding="ascii") as f:
            text = f.read()
        for port in (self.t.ready["port"], self.t.ready["control_port"]):
            self.assertIn(f"0100007F:{port:04X} 00000000:0000 0A", text)
            self.assertNotIn(f"00000000:{port:04X} 00000000:0000 0A", text)

    def test_links_name_the_host_that_was_asked(self):
        answer = self.t.ask("GET", f"https://localhost:{self.t.ready['port']}/v1.0/sites?search=*&$top=1",
                            headers={"Authorization": "Bearer " + self.t.token()})
        self.assertTrue(answer["@odata.nextLink"].startswith(f"https://localhost:{self.t.ready['port']}/v1.0/"))


class Control(Case):
    def test_needs_the_key(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.t.ready["control_port"], timeout=10)
        connection.request("POST", "/mint", "{}", {"Authorization": "Bearer guess"})
        self.assertEqual(401, connection.getresponse().status)
        connection.close()
        self.assertEqual(0o600, os.stat(os.path.join(self.t.state, "control.key")).st_mode & 0o777)

    def test_command_line(self):
        run = subprocess.run([PROGRAM, "control", self.t.state, "stats"], capture_output=True, check=True)
        self.assertIn("ledger", json.loads(run.stdout))
        run = subprocess.run([PROGRAM, "control", self.t.state, "nonsense"], capture_output=True, check=False)
        self.assertEqual(1, run.returncode)

    def test_log_has_no_secrets(self):
        url = self.get(f"/sites/contoso.sharepoint.com:/sites/finance:/drive/root:/readme.txt")["@microsoft.graph.downloadUrl"]
        self.t.ask("GET", url)
        with open(os.path.join(self.t.state, "requests.log"), encoding="utf-8") as f:
            text = f.read()
        secret = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["tempauth"][0]
        self.assertNotIn(secret, text)
        self.assertIn("tempauth=...", text)


class Search(Case):
    def tearDown(self):
        super().tearDown()
        self.t.control("search", outage=0, shrink=-1, ghosts=0, duplicates=False, empty=False, fail_from=0,
                       site_names=True)

    def hits(self, types, text, token=None, **more):
        answer = self.post("/search/query", {"requests": [
            {"entityTypes": types, "query": {"queryString": text}, "size": 100, **more}]}, token)
        self.assertEqual(200, answer.status, answer.raw)
        container = answer["value"][0]["hitsContainers"][0]
        return container.get("hits", []), container

    def titles(self, types, text, **more):
        return [h["resource"].get("displayName") for h in self.hits(types, text, **more)[0]]

    def test_libraries_and_their_urls(self):
        hits, _ = self.hits(["list"], "contentclass:STS_List_DocumentLibrary")
        urls = [h["resource"]["webUrl"] for h in hits]
        self.assertIn("https://contoso.sharepoint.com/sites/finance/Tiny quota/Forms/AllItems.aspx", urls)
        self.assertTrue(all(h["resource"]["lastModifiedDateTime"].endswith("+00:00") for h in hits))

    def test_star_lists_no_drives(self):
        hits, container = self.hits(["drive"], "*")
        self.assertEqual(([], 0), (hits, container["total"]))
        self.assertNotIn("hits", container)
        drives, _ = self.hits(["drive"], "Reports")
        self.assertEqual(["AllItems.aspx"], [h["resource"]["name"] for h in drives])
        self.assertTrue(drives[0]["hitId"].startswith("b!"))

    def test_query_language(self):
        finance = 'path:"https://contoso.sharepoint.com/sites/finance"'
        self.assertEqual(["Finance"], self.titles(["site"], finance + " contentclass:STS_Site"))
        self.assertEqual(["HR"], self.titles(["site"], finance + " contentclass:STS_Web"))
        both = self.titles(["site"], finance + " contentclass:STS_Site contentclass:STS_Web")
        self.assertEqual(["Finance", "HR"], both)
        self.assertEqual(["HR"], self.titles(["site"], finance + " NOT title:Finance"))
        self.assertEqual(["HR"], self.titles(["site"], "(title:HR OR title:nothing) AND " + finance))
        self.assertEqual(["Finance - Reports"], self.titles(["list"], "title:Rep*"))
        self.assertEqual([], self.titles(["list"], "title:Rep"))
        self.assertEqual(400, self.post("/search/query", {"requests": [
            {"entityTypes": ["site"], "query": {"queryString": "(a OR"}}]}).status)

    def test_usual_query_of_administrators(self):
        usual = "(webtemplate:STS OR webtemplate:GROUP OR webtemplate:SITEPAGEPUBLISHING) AND " \
                "(contentclass=STS_Site OR contentclass=STS_Web)"
        found = [h["resource"]["webUrl"] for h in self.hits(["site"], usual)[0]]
        self.assertIn("https://contoso.sharepoint.com/sites/finance", found)
        self.assertIn("https://contoso.sharepoint.com/sites/finance/hr", found)
        self.assertTrue(all("-my.sharepoint.com" not in url for url in found))

    def test_trimmed_to_the_user(self):
        everything = "contentclass:STS_List_DocumentLibrary"
        self.assertIn("Finance - Reports", self.titles(["list"], everything))
        self.assertNotIn("Finance - Reports", self.titles(["list"], everything, token=self.t.token("cara")))
        foreign = self.titles(["list"], everything, token=self.t.token("fay", "fabrikam"))
        self.assertTrue(all(not t.startswith("Finance") for t in foreign))

    def test_pages_and_duplicates(self):
        everything = "contentclass:STS_List_DocumentLibrary"
        whole = [h["hitId"] for h in self.hits(["list"], everything)[0]]

        def pages():
            got, start = [], 0
            while True:
                hits, container = self.hits(["list"], everything, **{"from": start, "size": 3})
                got += [h["hitId"] for h in hits]
                start += 3
                if not container["moreResultsAvailable"]:
                    return got

        self.assertEqual(whole, pages())
        self.t.control("search", duplicates=True)
        got = pages()
        self.assertGreater(len(got), len(set(got)))
        self.assertEqual(set(whole), set(got))

    def test_broken_in_all_ways(self):
        everything = "contentclass:STS_List_DocumentLibrary"
        total = len(self.hits(["list"], everything)[0])
        self.t.control("search", shrink=2)
        self.assertEqual(2, len(self.hits(["list"], everything)[0]))
        self.t.control("search", shrink=-1, ghosts=1)
        hits, _ = self.hits(["list"], everything)
        self.assertEqual(total + 1, len(hits))
        ghost = hits[-1]["resource"]
        self.assertEqual(404, self.get(f"/sites/{ghost['parentReference']['siteId']}/lists/{ghost['id']}/drive").status)
        self.t.control("search", ghosts=0, empty=True)
        self.assertEqual([], self.hits(["list"], everything)[0])
        self.t.control("search", empty=False, outage=503)
        self.assertEqual(503, self.post("/search/query", {"requests": [
            {"entityTypes": ["list"], "query": {"queryString": "*"}}]}).status)
        self.t.control("search", outage=0, site_names=False)
        self.assertNotIn("displayName", self.hits(["site"], "*")[0][0]["resource"])
        self.t.control("search", library=LIBRARY, stale=True)
        self.assertIn("Finance - Old Documents", self.titles(["list"], everything))
        self.t.control("search", library=LIBRARY, stale=False)
        self.t.control("hide", library=LIBRARY)
        self.assertNotIn("Finance - Documents", self.titles(["list"], everything))
        self.t.control("hide", library=LIBRARY, hidden=False)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
