"""A Hub on loopback: as much of its HTTP interface as huggingface_hub uses to push a dataset and to load it again.

It keeps commits in memory, wants a token, and can be told to fail: `hub.fail("POST", "/commit/", 500)`.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

OWNER = "tester"
TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"
"""It looks real, so that what scrubs tokens is tried on one."""
LARGE = ("*.parquet", "*.arrow", "*.png")
"""What is kept as large files, by the patterns of the .gitattributes that a new repository has."""


@dataclass
class Repository:
    """The commits of one dataset."""

    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes], message: str) -> str:
        told = repr((len(self.commits), branch, sorted(files), message))
        oid = hashlib.sha1(told.encode()).hexdigest()
        self.commits[oid], self.messages[oid], self.branches[branch] = files, message, oid
        return oid

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """What a branch or a commit holds."""
        return self.commits[self.branches.get(revision, revision)]


@dataclass
class Fault:
    """What a request is to meet, so many times."""

    method: str
    part: str
    what: int | str
    times: int
    text: str = ""


class Hub:
    """Its repositories, what it was asked, and how it is to fail."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self.ignored: set[str] = set()
        """Paths that a .gitignore of the repository keeps out."""
        self.meanwhile: dict[str, bytes] = {}
        """Files that somebody else pushes while the next push is under way."""
        self.url = ""

    def fail(self, method: str, part: str, what: int | str, *, times: int = 1000, text: str = "") -> None:
        """Answer requests whose path holds `part` with a status; "drop" ends the connection, "hang" answers never."""
        self.faults.append(Fault(method, part, what, times, text))

    def make(self, name: str, *, private: bool = True, **files: bytes) -> Repository:
        """A repository that was there before."""
        self.repositories[name] = Repository(private)
        self.repositories[name].commit("main", {".gitattributes": b"*.parquet filter=lfs\n", **files}, "initial commit")
        return self.repositories[name]


def is_large(path: str) -> bool:
    return any(fnmatch(path, one) for one in LARGE)


def git_digest(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Else every answer waits 40 ms for the acknowledgement of its own head."""
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at what was printed."""

    def handle_one(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = next(
            (one for one in self.hub.faults if one.times and one.method == self.command and one.part in path), None
        )
        if fault is not None:
            fault.times -= 1
            self.fail(fault)
            return
        if not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.say(401, {"error": "Invalid credentials in Authorization header"})
            return
        for method, pattern, answer in ROUTES:
            match = pattern.fullmatch(path)
            if match and method == self.command:
                answer(self, *match.groups())
                return
        self.say(404, {"error": f"no route {self.command} {path}"})

    def fail(self, fault: Fault) -> None:
        if fault.what == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault.what == "hang":
            time.sleep(2)
            self.close_connection = True
        else:
            told = fault.text.format(authorization=self.headers.get("Authorization"))
            self.say(int(fault.what), {"error": told or "planted"})

    def say(self, status: int, value: Any, **headers: str) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def repository(self, name: str, revision: str = "main") -> Repository | None:
        """The repository; answers that there is none, or no such revision."""
        found = self.hub.repositories.get(name)
        if found is None:
            self.say(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
        elif revision not in {*found.branches, *found.commits}:
            self.say(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return found

    def create(self) -> None:
        told = json.loads(self.body)
        name = f"{told.get('organization') or OWNER}/{told['name']}"
        if not name.startswith(f"{OWNER}/"):
            self.say(403, {"error": f"You don't have the rights to create a dataset under the namespace of {name}"})
        elif name in self.hub.repositories:
            self.say(409, {"error": "You already created this dataset repo", "url": f"{self.hub.url}/datasets/{name}"})
        else:
            self.hub.make(name, private=told.get("visibility") == "private" or bool(told.get("private")))
            self.say(200, {"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": "1"})

    def info(self, name: str, revision: str | None = None) -> None:
        found = self.repository(name, revision or "main")
        if found is not None:
            sha = found.branches.get(revision or "main", revision)
            siblings = [{"rfilename": path} for path in found.files(sha or "")]
            told = {"id": name, "sha": sha, "private": found.private, "tags": [], "siblings": siblings}
            self.say(200, {**told, "gated": False, "disabled": False, "downloads": 0, "likes": 0})

    def branch(self, name: str, branch: str) -> None:
        found = self.repository(name)
        if found is not None:
            found.branches[branch] = found.branches["main"]
            self.say(200, {})

    def entry(self, path: str, data: bytes) -> dict[str, Any]:
        told: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git_digest(data)}
        if is_large(path):
            told["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return told

    def tree(self, name: str, revision: str, folder: str | None = None) -> None:
        """Two entries a page, so that whoever reads one page misses some."""
        found = self.repository(name, revision)
        if found is None:
            return
        asked = parse_qs(urlsplit(self.path).query)
        recursive = asked.get("recursive", ["false"])[0].lower() == "true"
        below = f"{folder}/" if folder else ""
        inside = {path: data for path, data in sorted(found.files(revision).items()) if path.startswith(below)}
        folders = {below + path.removeprefix(below).split("/")[0] for path in inside if "/" in path.removeprefix(below)}
        entries = [{"type": "directory", "path": one, "oid": "0" * 40, "size": 0} for one in sorted(folders)]
        entries += [self.entry(p, d) for p, d in inside.items() if recursive or "/" not in p.removeprefix(below)]
        if folder and not entries:
            self.say(404, {"error": "no such entry"}, X_Error_Code="EntryNotFound")
            return
        first = int(asked.get("cursor", ["0"])[0])
        more = {}
        if first + 2 < len(entries):
            here = f"{self.hub.url}{urlsplit(self.path).path}?recursive={str(recursive).lower()}"
            more = {"Link": f'<{here}&cursor={first + 2}>; rel="next"'}
        self.say(200, entries[first : first + 2], **more)

    def paths(self, name: str, revision: str) -> None:
        found = self.repository(name, revision)
        if found is None:
            return
        wanted = parse_qs(self.body.decode()).get("paths") or json.loads(self.body)["paths"]
        files = found.files(revision)
        self.say(200, [self.entry(path, files[path]) for path in wanted if path in files])

    def preupload(self, name: str, revision: str) -> None:
        found = self.repository(name, revision)
        if found is None:
            return
        held = found.files(revision)
        if self.hub.meanwhile:
            found.commit(revision, {**held, **self.hub.meanwhile}, "somebody else's")
            self.hub.meanwhile = {}
        told = []
        for one in json.loads(self.body)["files"]:
            path = one["path"]
            large, data = is_large(path), held.get(path)
            oid = None if data is None else hashlib.sha256(data).hexdigest() if large else git_digest(data)
            mode = "lfs" if large else "regular"
            told.append({"path": path, "uploadMode": mode, "shouldIgnore": path in self.hub.ignored, "oid": oid})
        self.say(200, {"files": told})

    def batch(self, _name: str) -> None:
        objects = []
        for one in json.loads(self.body)["objects"]:
            where = f"{self.hub.url}/lfs/{one['oid']}"
            actions = {"upload": {"href": where}, "verify": {"href": f"{where}/verify"}}
            objects.append({**one, **({} if one["oid"] in self.hub.blobs else {"actions": actions})})
        self.say(200, {"transfer": "basic", "objects": objects})

    def put(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.blobs[oid] = self.body
        self.say(200, {})

    def verify(self, oid: str) -> None:
        self.say(200 if oid in self.hub.blobs else 404, {})

    def commit(self, name: str, revision: str) -> None:
        found = self.repository(name, revision)
        if found is None:
            return
        lines = [json.loads(line) for line in self.body.splitlines()]
        head = lines[0]["value"]
        if head.get("parentCommit", found.branches[revision]) != found.branches[revision]:
            self.say(412, {"error": "A commit has happened since. Please refresh and try again."})
            return
        files = dict(found.files(revision))
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "deletedFile":
                del files[value["path"]]
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            else:
                files[value["path"]] = base64.b64decode(value["content"])
        oid = found.commit(revision, files, head["summary"])
        self.say(200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}"})

    def resolve(self, name: str, revision: str, path: str) -> None:
        found = self.repository(name, revision)
        if found is None:
            return
        data = found.files(revision).get(path)
        sha = found.branches.get(revision, revision)
        if data is None:
            self.say(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
            return
        etag = f'"{hashlib.sha256(data).hexdigest() if is_large(path) else git_digest(data)}"'
        told = {
            "ETag": etag,
            "X_Repo_Commit": sha,
            "Accept_Ranges": "bytes",
            "Content_Type": "application/octet-stream",
        }
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if span:
            first, last = int(span[1]), int(span[2] or len(data) - 1)
            part = data[first : last + 1]
            self.say(206, part, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(data)}", **told)
        else:
            self.say(200, data, **told)

    def yaml(self) -> None:
        self.say(200, {"warnings": [], "errors": []})


for method in ("GET", "POST", "PUT", "HEAD"):
    setattr(Handler, f"do_{method}", Handler.handle_one)
ROUTES = [
    (
        method,
        re.compile(pattern.replace("NAME", r"([^/]+/[^/]+)").replace("REST", "(.+)").replace("ONE", "([^/]+)")),
        answer,
    )
    for method, pattern, answer in (
        ("POST", "/api/repos/create", Handler.create),
        ("POST", "/api/validate-yaml", Handler.yaml),
        ("GET", "/api/datasets/NAME", Handler.info),
        ("GET", "/api/datasets/NAME/revision/ONE", Handler.info),
        ("POST", "/api/datasets/NAME/branch/ONE", Handler.branch),
        ("GET", "/api/datasets/NAME/tree/ONE", Handler.tree),
        ("GET", "/api/datasets/NAME/tree/ONE/REST", Handler.tree),
        ("POST", "/api/datasets/NAME/paths-info/ONE", Handler.paths),
        ("POST", "/api/datasets/NAME/preupload/ONE", Handler.preupload),
        ("POST", "/api/datasets/NAME/commit/ONE", Handler.commit),
        ("POST", r"/datasets/NAME\.git/info/lfs/objects/batch", Handler.batch),
        ("PUT", "/lfs/ONE", Handler.put),
        ("POST", "/lfs/ONE/verify", Handler.verify),
        ("GET", "/datasets/NAME/resolve/ONE/REST", Handler.resolve),
        ("HEAD", "/datasets/NAME/resolve/ONE/REST", Handler.resolve),
    )
]


@contextmanager
def serving() -> Iterator[Hub]:
    """A Hub while the block lasts."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
