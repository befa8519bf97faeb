#!/usr/bin/env python3
"""Every kind of answer of the simulated tenant has the shape of the real service's.

usage: test_schema.py MOORING-TENANT SCHEMA-FOLDER
Fails, too, when a schema was never used: then an answer is not tested.
"""
import base64
import hashlib
import json
import os
import sys
import urllib.parse

import jsonschema

from tenant_client import Tenant

FINANCE = "/sites/contoso.sharepoint.com:/sites/finance:"
SMALL = b"hello"


class Checker:
    def __init__(self, tenant, folder):
        self.t = tenant
        self.problems = []
        self.count = 0
        self.used = set()
        self.schemas = {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".schema.json"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    schema = json.load(f)
                jsonschema.Draft7Validator.check_schema(schema)
                self.schemas[name[: -len(".schema.json")]] = jsonschema.Draft7Validator(schema)
        self.token = tenant.token()

    def fits(self, schema, value, what):
        self.used.add(schema)
        self.count += 1
        for error in list(self.schemas[schema].iter_errors(value))[:3]:
            where = "/".join(str(p) for p in error.absolute_path)
            self.problems.append(f"{what}: not a {schema}: {where}: {error.message[:300]}")

    def ask(self, schema, status, method, url, body=None, headers=None, auth=True):
        """schema None: the answer has no JSON body. Errors are checked as errors."""
        if url.startswith("/"):
            url = self.t.graph + "/v1.0" + url
        headers = dict(headers or {})
        if auth and url.startswith(self.t.graph):
            headers["Authorization"] = "Bearer " + self.token
        answer = self.t.ask(method, url, body, headers)
        what = f"{method} {url[:160]} -> {answer.status}"
        if answer.status != status:
            self.problems.append(f"{what}, not {status}: {answer.raw[:200]}")
        if schema is None:
            if answer.body is not None:
                self.problems.append(f"{what}: a body that should not be there")
        elif answer.body is None:
            self.problems.append(f"{what}: no JSON")
        else:
            self.fits(schema, answer.body, what)
        return answer


def sign_in(c):
    t = c.t
    for name in ("contoso.onmicrosoft.com", "common", "organizations", t.ready["tenants"][0]["id"]):
        c.ask("openidConfiguration", 200, "GET", f"{t.login}/{name}/v2.0/.well-known/openid-configuration")
    c.ask("tokenError", 400, "GET", f"{t.login}/nowhere.example/v2.0/.well-known/openid-configuration")
    tenant = t.ready["tenants"][0]["id"]
    app = "11111111-2222-4333-8444-555555555555"
    scope = "openid profile offline_access User.Read Files.ReadWrite.All Sites.Read.All"

    def post(schema, status, path, **fields):
        answer = t.form(f"/{tenant}/oauth2/v2.0/{path}", **fields)
        if answer.status != status:
            c.problems.append(f"POST {path} {fields}: {answer.status}, not {status}: {answer.raw[:200]}")
        c.fits(schema, answer.body, f"POST {path}")
        return answer

    device = post("deviceCodeResponse", 200, "devicecode", client_id=app, scope=scope)
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": app,
             "device_code": device["device_code"]}
    post("tokenError", 400, "token", **grant)
    t.control("device", action="approve", user="ana", user_code=device["user_code"])
    tokens = post("tokenResponse", 200, "token", client_info="1", **grant)
    post("tokenResponse", 200, "token", grant_type="refresh_token", client_id=app,
         refresh_token=tokens["refresh_token"], scope=scope)
    for bad in ({"grant_type": "refresh_token", "client_id": app, "refresh_token": "0.x.y"},
                {"grant_type": "authorization_code", "client_id": app, "code": "x"},
                {"grant_type": "password", "client_id": app}, {"client_id": app}):
        post("tokenError", 400, "token", **bad)

    verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urllib.parse.urlencode({
        "client_id": app, "response_type": "code", "redirect_uri": "http://localhost:5000", "scope": scope,
        "state": "a b", "code_challenge": challenge, "code_challenge_method": "S256"})
    page = t.form(f"/{tenant}/login", ctx=query, login="ana@contoso.onmicrosoft.com", passwd="x", action="signin")
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(page.header("Location")).query)
    post("tokenResponse", 200, "token", grant_type="authorization_code", client_id=app, code=back["code"][0],
         redirect_uri="http://localhost:5000", code_verifier=verifier)


def sites_and_search(c):
    site = c.ask("site", 200, "GET", FINANCE.rstrip(":"))
    c.ask("site", 200, "GET", "/sites/root")
    c.ask("site", 200, "GET", "/sites/" + site["id"] + "?$select=id,name,sharepointIds,siteCollection")
    for path in ("/sites", "/sites?search=*", "/sites?search=fin&$top=1", "/me/followedSites",
                 "/sites/" + site["id"] + "/sites"):
        c.ask("siteCollectionPage", 200, "GET", path)
    c.ask("error", 404, "GET", "/sites/contoso.sharepoint.com:/sites/nothing")
    c.ask("error", 403, "GET", "/sites/getAllSites")
    c.ask("drive", 200, "GET", "/sites/" + site["id"] + "/drive")
    c.ask("drive", 200, "GET", "/me/drive")
    drives = c.ask("driveCollection", 200, "GET", "/sites/" + site["id"] + "/drives")
    c.ask("driveCollection", 200, "GET", "/sites/" + site["id"] + "/drives?$select=id,name,system,webUrl")
    c.ask("driveCollection", 200, "GET", "/me/drives")
    c.ask("drive", 200, "GET", "/drives/" + drives["value"][0]["id"] + "?$select=id,driveType,quota")

    def search(types, text, **more):
        body = {"requests": [{"entityTypes": types, "query": {"queryString": text}, **more}]}
        c.fits("searchRequestBody", body, "what we send")
        return c.ask("searchResponse", 200, "POST", "/search/query", body)

    lists = search(["list"], "contentclass:STS_List_DocumentLibrary", size=500)
    for hit in lists["value"][0]["hitsContainers"][0]["hits"]:
        resource = hit["resource"]
        c.ask("drive", 200, "GET", f"/sites/{resource['parentReference']['siteId']}/lists/{resource['id']}/drive")
    search(["site"], "*", size=500)
    search(["drive"], "Documents")
    search(["drive"], "*")
    search(["driveItem"], "readme", size=10)
    search(["listItem"], "readme", size=10)
    search(["list", "site"], 'path:"https://contoso.sharepoint.com/sites/finance"', size=3)
    for bad in ({"requests": []}, {"requests": [{"entityTypes": ["list"]}]},
                {"requests": [{"entityTypes": ["list"], "query": {"queryString": "x"}, "trimDuplicates": True}]},
                {"requests": [{"entityTypes": ["list"], "query": {"queryString": "x"}, "size": 501}]},
                {"requests": [{"entityTypes": ["drive"], "query": {"queryString": "x"},
                               "sortProperties": [{"name": "name"}]}]}):
        c.ask("error", 400, "POST", "/search/query", bad)
    return "/drives/" + drives["value"][0]["id"]


def listing(c, drive):
    c.ask("driveItem-default", 200, "GET", drive + "/root:/readme.txt")
    c.ask("driveItem-default", 200, "GET", drive + "/root:/Budget")
    c.ask("driveItem", 200, "GET", drive + "/root:/Notebook")
    c.ask("driveItem", 200, "GET", drive + "/root:/Virus.txt")
    c.ask("driveItem", 200, "GET", "/me/drive/root:/Budget%20shortcut")
    fields = "id,name,size,eTag,cTag,file,folder,package,fileSystemInfo,parentReference,webUrl,webDavUrl," \
             "sharepointIds,publication,malware"
    c.ask("driveItem", 200, "GET", f"{drive}/root:/readme.txt?$select={fields}")
    c.ask("driveItem", 200, "GET", f"{drive}/root:/readme.txt?$expand=thumbnails,versions")
    page = c.ask("childrenPage", 200, "GET", f"{drive}/root/children?$select={fields}")
    names = [i["name"] for i in page["value"]]
    page = c.ask("childrenPage", 200, "GET", f"{drive}/root:/Many:/children?$top=100&$orderby=name")
    while "@odata.nextLink" in page.body:
        page = c.ask("childrenPage", 200, "GET", page["@odata.nextLink"])
    c.ask("childrenPage", 200, "GET", f"{drive}/root/search(q='readme')")
    c.ask("error", 404, "GET", f"{drive}/root:/nothing.txt")
    c.ask("error", 404, "GET", f"{drive}/items/01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    c.ask("error", 400, "GET", f"{drive}/root:/readme.txt:/noSuchThing")

    page = c.ask("deltaResponse", 200, "GET", f"{drive}/root/delta")
    while "@odata.nextLink" in page.body:
        page = c.ask("deltaResponse", 200, "GET", page["@odata.nextLink"])
    latest = c.ask("deltaResponse", 200, "GET", f"{drive}/root/delta?token=latest")
    c.t.control("write", library="/sites/finance/Shared Documents", path="General/foreign.txt", user="ben", text="x")
    c.t.control("delete", library="/sites/finance/Shared Documents", path="General/foreign.txt", user="ben")
    c.t.control("write", library="/sites/finance/Shared Documents", path="General/stays.txt", user="ben", text="x")
    c.ask("deltaResponse", 200, "GET", latest["@odata.deltaLink"])
    c.t.control("resync", library="/sites/finance/Shared Documents")
    gone = c.ask("error", 410, "GET", latest["@odata.deltaLink"])
    if not gone.header("Location"):
        c.problems.append("410 without Location")
    return names


def writing(c, drive):
    item = c.ask("driveItem-default", 201, "PUT", f"{drive}/root:/new.txt:/content", SMALL)
    c.ask("driveItem-default", 200, "PUT", f"{drive}/items/{item['id']}/content", b"second")
    c.ask("error", 409, "PUT", f"{drive}/root:/new.txt:/content?@microsoft.graph.conflictBehavior=fail", SMALL)
    folder = c.ask("driveItem-default", 201, "POST", f"{drive}/root/children",
                   {"name": "Made", "folder": {}, "@microsoft.graph.conflictBehavior": "fail"})
    c.ask("error", 409, "POST", f"{drive}/root/children",
          {"name": "Made", "folder": {}, "@microsoft.graph.conflictBehavior": "fail"})
    c.ask("error", 400, "POST", f"{drive}/root/children", {"name": "a|b", "folder": {}})
    c.ask("driveItem-default", 200, "PATCH", f"{drive}/items/{item['id']}",
          {"name": "renamed.txt", "parentReference": {"id": folder["id"]}})
    c.ask("error", 412, "PATCH", f"{drive}/items/{item['id']}", {"name": "x.txt"}, {"If-Match": '"{0},1"'})
    c.ask("driveItem-default", 200, "PATCH", f"{drive}/items/{item['id']}",
          {"fileSystemInfo": {"lastModifiedDateTime": "2026-01-02T03:04:05Z"}})
    c.ask("error", 423, "PATCH", f"{drive}/root:/Locked.docx", {"name": "Free.docx"})

    session = c.ask("uploadSession", 200, "POST", f"{drive}/root:/big.bin:/createUploadSession",
                    {"item": {"@microsoft.graph.conflictBehavior": "replace"}})
    url, data = session["uploadUrl"], os.urandom(327680 + 1000)

    def fragment(schema, status, first, end, total=len(data)):
        return c.ask(schema, status, "PUT", url, data[first:end],
                     {"Content-Range": f"bytes {first}-{end - 1}/{total}"})

    c.ask("uploadStatus", 200, "GET", url)
    fragment("uploadStatus", 202, 0, 327680)
    fragment("error", 416, 0, 327680)
    fragment("driveItem-default", 201, 327680, len(data))
    c.ask("error", 404, "GET", url)
    session = c.ask("uploadSession", 200, "POST", f"{drive}/root:/big2.bin:/createUploadSession", {})
    c.ask(None, 204, "DELETE", session["uploadUrl"])

    copy = c.ask(None, 202, "POST", f"{drive}/items/{item['id']}/copy",
                 {"name": "copied.txt", "parentReference": {"id": folder["id"]}}, {"Prefer": "respond-async"})
    for _ in range(4):
        c.t.ask("GET", copy.header("Location"))
    state = c.t.ask("GET", copy.header("Location"))
    c.fits("asyncJobStatus", state.body, "monitor")
    c.ask("versionCollection", 200, "GET", f"{drive}/items/{item['id']}/versions")
    c.ask(None, 302, "GET", f"{drive}/items/{item['id']}/content")
    link = c.ask("sharingLinkPermission", 201, "POST", f"{drive}/items/{item['id']}/createLink",
                 {"type": "view", "scope": "organization"})
    c.fits("permission", link.body, "createLink")
    for p in c.ask("permissionPage", 200, "GET", f"{drive}/items/{item['id']}/permissions")["value"]:
        c.fits("permission", p, "permissions")
    c.ask("itemPreviewInfo", 200, "POST", f"{drive}/items/{item['id']}/preview", {})
    c.ask("thumbnailSetCollection", 200, "GET", f"{drive}/items/{item['id']}/thumbnails")
    token = "u!" + base64.urlsafe_b64encode(b"https://contoso.sharepoint.com/sites/finance/Shared%20Documents/readme.txt") \
        .rstrip(b"=").decode()
    c.ask("sharedDriveItem", 200, "GET", f"/shares/{token}")
    c.ask("driveItem", 200, "GET", f"/shares/{token}/driveItem")
    c.ask(None, 204, "DELETE", f"{drive}/items/{item['id']}")
    c.ask("error", 404, "GET", f"{drive}/items/{item['id']}")


def batches_and_errors(c, drive):
    body = {"requests": [
        {"id": "1", "method": "GET", "url": "/me"},
        {"id": "2", "method": "GET", "url": drive + "/root:/nothing", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": drive, "dependsOn": ["2"]},
        {"id": "4", "method": "POST", "url": drive + "/root/children", "headers": {"Content-Type": "application/json"},
         "body": {"name": "Batched", "folder": {}}},
        {"id": "5", "method": "GET", "url": drive + "/root:/readme.txt:/content"}]}
    c.fits("batchRequest", body, "what we send")
    answer = c.ask("batchResponse", 200, "POST", "/$batch", body)
    by_id = {r["id"]: r for r in answer["responses"]}
    states = [by_id[i]["status"] for i in "12345"]
    if states != [200, 404, 424, 201, 302]:
        c.problems.append(f"batch: {states}")
    c.fits("driveItem-default", {k: v for k, v in by_id["4"]["body"].items()}, "an inner answer")
    for i in "23":
        c.fits("error", by_id[i]["body"], "an inner error")
    c.ask("error", 400, "POST", "/$batch", {"requests": [body["requests"][0], body["requests"][0]]})
    c.ask("error", 401, "GET", "/me", auth=False)
    c.ask("error", 401, "GET", "/me", headers={"Authorization": "Bearer nonsense"}, auth=False)
    c.t.control("faults", match={"path": "/v1.0/me"}, action={"status": 503, "headers": {"Retry-After": "7"}})
    c.ask("error", 503, "GET", "/me")
    c.ask("error", 400, "GET", "/nothing/like/this")


def check_can_fail(c, drive):
    """With members that no schema has, the same request must not pass."""
    before = len(c.problems)
    c.t.control("switch", tenant="contoso", name="unknown_members", value=True)
    c.ask("driveItem-default", 200, "GET", drive + "/root:/readme.txt")
    c.t.control("switch", tenant="contoso", name="unknown_members", value=False)
    noticed = len(c.problems) > before
    del c.problems[before:]
    if not noticed:
        c.problems.append("an unknown member was not noticed: these checks check nothing")


def main():
    program, folder = sys.argv[1:3]
    with Tenant(program) as tenant:
        c = Checker(tenant, folder)
        # A page of permissions has no schema of its own; its members do.
        c.schemas["permissionPage"] = jsonschema.Draft7Validator({"type": "object", "required": ["value"]})
        sign_in(c)
        drive = sites_and_search(c)
        listing(c, drive)
        writing(c, drive)
        batches_and_errors(c, drive)
        check_can_fail(c, drive)
        for name in sorted(set(c.schemas) - c.used):
            c.problems.append(f"no answer was checked against {name}")
        for problem in c.problems:
            print("FAILED:", problem)
        print(f"{c.count} answers, {len(c.schemas)} schemas, {len(c.problems)} problems")
    sys.exit(1 if c.problems else 0)


if __name__ == "__main__":
    main()
