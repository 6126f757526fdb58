"""A stand-in for the Hugging Face Hub on 127.0.0.1: as much of its API as an upload and a download need."""

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_standin"
SHA = "a" * 40


class Hub:
    """What the stand-in holds: {repository: {file: bytes}}, uploaded blobs, and the requests so far."""

    def __init__(self):
        self.repos, self.blobs, self.requests = {}, {}, []
        self.damaged = False  # serve other bytes than were uploaded
        self.status = None  # answer everything with it, or hang up


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), "Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self):
        path = unquote(urlsplit(self.path).path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.status == "hang up":
            self.close_connection = True
            return None
        if self.hub.status:
            return self.answer(self.hub.status, {"error": "as told"})
        if path.startswith("/blobs/"):  # storage is elsewhere and wants no token
            self.hub.blobs[path.removeprefix("/blobs/")] = data
            return self.answer(200)
        if self.command in ("POST", "PUT") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": "Invalid username or password."})
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self.create(json.loads(data))
        if path.endswith("/info/lfs/objects/batch"):
            return self.batch(json.loads(data))
        return self.repository(path, data)

    do_GET = do_POST = do_PUT = do_HEAD = handle_any

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}/{path}"

    def create(self, wanted):
        if wanted["organization"] != "me":
            return self.answer(403, {"error": "You don't have the rights"})
        repo = f"me/{wanted['name']}"
        if repo in self.hub.repos:
            return self.answer(409, {"url": self.url(repo)})
        self.hub.repos[repo] = {}
        return self.answer(200, {"url": self.url(repo)})

    def batch(self, wanted):
        objects = [
            {**thing, "actions": {"upload": {"href": self.url(f"blobs/{thing['oid']}")}}} for thing in wanted["objects"]
        ]
        return self.answer(200, {"transfer": "basic", "objects": objects})

    def repository(self, path, data):
        parts = path.removeprefix("/api/models").strip("/").split("/")
        repo, rest = "/".join(parts[:2]), parts[2:]
        if repo not in self.hub.repos:
            return self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        files = self.hub.repos[repo]
        if rest[:1] == ["preupload"]:
            modes = [
                (f["path"], "lfs" if f["path"].endswith(".safetensors") else "regular")
                for f in json.loads(data)["files"]
            ]
            answers = [{"path": p, "uploadMode": m, "shouldIgnore": False, "oid": None} for p, m in modes]
            return self.answer(200, {"files": answers})
        if rest[:1] == ["commit"]:
            for line in map(json.loads, data.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    files[value["path"]] = self.hub.blobs[value["oid"]]
            return self.answer(200, {"success": True, "commitOid": SHA, "commitUrl": self.url(f"{repo}/commit/{SHA}")})
        if rest[:1] == ["resolve"]:
            return self.resolve(files, "/".join(rest[2:]))
        if rest[:1] == ["revision"] and rest[1] not in ("main", SHA):
            return self.answer(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
        if rest[:1] == ["tree"]:
            return self.answer(200, [self.entry(name, content) for name, content in files.items()])
        return self.answer(200, {"id": repo, "sha": SHA, "siblings": [{"rfilename": name} for name in files]})

    def entry(self, name, content):
        entry = {"type": "file", "path": name, "size": len(content), "oid": git_sha(content)}
        if name.endswith(".safetensors"):
            sha = hashlib.sha256(content).hexdigest()
            entry |= {"lfs": {"oid": sha, "size": len(content), "pointerSize": 130}}
        return entry

    def resolve(self, files, name):
        if name not in files:
            return self.answer(404, {"error": "no"}, {"X-Error-Code": "EntryNotFound"})
        content = files[name]
        if self.hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return self.answer(200, content, {"ETag": f'"{git_sha(files[name])}"', "X-Repo-Commit": SHA})


def git_sha(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def hub_server():
    """Serve an empty Hub; yield (address, Hub)."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
