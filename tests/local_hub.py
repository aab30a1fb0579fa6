"""A stand-in for the Hugging Face Hub: models alone, in memory, over real HTTP on this machine.

It answers what huggingface_hub 2.4 asks when it publishes (create, preupload, LFS, commit, refs, tag) and what
musicdemo.hub asks when it fetches (the description of a revision, its files). It writes down every request, and a test
may put any other answer in the place of one of its own.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import uvicorn
from huggingface_hub import ModelCard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hf_only_for_this_machine"  # noqa: S105  # of nobody
OWNER = "someone"
LARGE_SUFFIXES = (".safetensors", ".mid", ".ogg", ".wav")
"""Files of these names are kept as LFS does, by SHA-256."""

Files = Mapping[str, bytes]
Answer = Callable[[], Response]


class Asked(NamedTuple):
    """One request: method, path, and the Authorization header or ""."""

    method: str
    path: str
    authorization: str


@dataclass
class Repository:
    """Commits and what points at them; a commit is all files of the repository."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files) -> str:
        """Add a commit at the head of main and return its id."""
        content = [(path, hashlib.sha256(data).hexdigest()) for path, data in sorted(files.items())]
        commit = hashlib.sha1(json.dumps([len(self.commits), content]).encode()).hexdigest()  # noqa: S324  # a name
        self.commits[commit] = dict(files)
        self.branches["main"] = commit
        return commit

    def find(self, revision: str) -> str | None:
        """Return the commit that a branch, a tag or a commit's own id names."""
        known = self.branches | self.tags
        return known.get(revision, revision if revision in self.commits else None)


class Refusal(Exception):  # noqa: N818  # an answer, not a mistake
    """An answer that says no, as the Hub words it: a status and a code."""

    def __init__(self, status: int, code: str = "Refused") -> None:
        super().__init__(code)
        self.status, self.code = status, code


class LocalHub:
    """What the stand-in holds, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.clear()

    def clear(self) -> None:
        """Forget everything, as if just built."""
        self.repositories: dict[str, Repository] = {}
        self.large_files: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.instead: dict[str, Answer] = {}
        """Answers by the end of a path that take the place of the stand-in's own."""

    def put(self, name: str, files: Files) -> str:
        """Commit files as if someone had published them; return the commit."""
        return self.repositories.setdefault(name, Repository()).commit(files)

    def paths(self, method: str = "GET") -> list[str]:
        """List the paths that were asked for."""
        return [asked.path for asked in self.asked if asked.method == method]

    def repository(self, request: Request) -> Repository:
        """Return the repository that a path names. Raises Refusal where there is none to be seen."""
        repository = self.repositories.get("{owner}/{name}".format(**request.path_params))
        if repository is None or (repository.private and not is_authorized(request)):
            raise Refusal(404 if is_authorized(request) else 401, "RepoNotFound")
        return repository

    def files(self, request: Request) -> tuple[str, Files]:
        """Return the commit that a path names, and its files."""
        repository = self.repository(request)
        commit = repository.find(request.path_params["revision"])
        if commit is None:
            raise Refusal(404, "RevisionNotFound")
        return commit, repository.commits[commit]


def is_authorized(request: Request) -> bool:
    """Say whether the request carries the token."""
    return request.headers.get("authorization") == f"Bearer {TOKEN}"


def description(path: str, data: bytes) -> dict[str, Any]:
    """Describe a file as the Hub lists it."""
    told: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": git_id(data)}
    if path.endswith(LARGE_SUFFIXES):
        told["blobId"] = "0" * 40  # git's id of a pointer, not of the file
        told["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return told


def git_id(data: bytes) -> str:
    """Return git's id of a content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324  # as git does


async def describe(hub: LocalHub, request: Request) -> Response:
    commit, files = hub.files(request)
    name = "{owner}/{name}".format(**request.path_params)
    return JSONResponse(
        {"id": name, "sha": commit, "siblings": [description(path, data) for path, data in files.items()]}
    )


async def send_file(hub: LocalHub, request: Request) -> Response:
    _, files = hub.files(request)
    if request.path_params["path"] not in files:
        raise Refusal(404, "EntryNotFound")
    return Response(files[request.path_params["path"]], media_type="application/octet-stream")


async def create(hub: LocalHub, request: Request) -> Response:
    asked = await request.json()
    name = f"{asked['organization']}/{asked['name']}"
    if asked["organization"] != OWNER:
        raise Refusal(403)
    if name in hub.repositories:
        return JSONResponse({"error": "You already created this model repo", "url": f"{hub.url}/{name}"}, 409)
    hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
    hub.put(name, {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
    return JSONResponse({"url": f"{hub.url}/{name}", "name": name, "id": name})


async def validate_card(_hub: LocalHub, request: Request) -> Response:
    try:
        ModelCard((await request.json())["content"])
    except ValueError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


async def preupload(hub: LocalHub, request: Request) -> Response:
    _, files = hub.files(request)
    answers = []
    for asked in (await request.json())["files"]:
        path = asked["path"]
        mode = "lfs" if path.endswith(LARGE_SUFFIXES) else "regular"
        known = files.get(path)
        oid = known and (hashlib.sha256(known).hexdigest() if mode == "lfs" else git_id(known))
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return JSONResponse({"files": answers})


async def lfs_batch(hub: LocalHub, request: Request) -> Response:
    hub.repository(request)
    objects = []
    for asked in (await request.json())["objects"]:
        upload = {"href": f"{hub.url}/large/{asked['oid']}", "header": {}}
        objects.append(asked if asked["oid"] in hub.large_files else asked | {"actions": {"upload": upload}})
    return JSONResponse({"transfer": "basic", "objects": objects}, media_type="application/vnd.git-lfs+json")


async def lfs_put(hub: LocalHub, request: Request) -> Response:
    data, oid = await request.body(), request.path_params["oid"]
    if hashlib.sha256(data).hexdigest() != oid:
        raise Refusal(422)
    hub.large_files[oid] = data
    return Response()


async def commit_files(hub: LocalHub, request: Request) -> Response:
    repository = hub.repository(request)
    _, files = hub.files(request)
    changed = dict(files)
    for line in map(json.loads, (await request.body()).splitlines()):
        value = line["value"]
        if line["key"] == "file":
            changed[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            changed[value["path"]] = hub.large_files[value["oid"]]
    commit = repository.commit(changed)
    url = "{}/{owner}/{name}/commit/{}".format(hub.url, commit, **request.path_params)
    return JSONResponse({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})


async def list_refs(hub: LocalHub, request: Request) -> Response:
    repository = hub.repository(request)

    def told(kind: str, refs: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": to} for name, to in refs.items()]

    return JSONResponse(
        {"branches": told("heads", repository.branches), "tags": told("tags", repository.tags), "converts": []}
    )


async def add_tag(hub: LocalHub, request: Request) -> Response:
    tag = (await request.json())["tag"]
    tags = hub.repository(request).tags
    if tag in tags:
        raise Refusal(409)
    tags[tag], _ = hub.files(request)
    return Response(status_code=201)


Endpoint = Callable[[LocalHub, Request], Awaitable[Response]]
_MODEL = "/api/models/{owner}/{name}"
READING: dict[str, Endpoint] = {
    f"{_MODEL}/revision/{{revision}}": describe,
    f"{_MODEL}/refs": list_refs,
    "/{owner}/{name}/resolve/{revision}/{path:path}": send_file,
}
WRITING: dict[str, Endpoint] = {
    "/api/repos/create": create,
    "/api/validate-yaml": validate_card,
    f"{_MODEL}/preupload/{{revision}}": preupload,
    f"{_MODEL}/commit/{{revision}}": commit_files,
    f"{_MODEL}/tag/{{revision}}": add_tag,
    "/{owner}/{name}.git/info/lfs/objects/batch": lfs_batch,
}


def application(hub: LocalHub) -> Starlette:
    """Return the stand-in as a web application."""

    def answering(endpoint: Endpoint, *, needs_token: bool) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            path = request.url.path
            hub.asked.append(Asked(request.method, path, request.headers.get("authorization", "")))
            instead = next((other for end, other in hub.instead.items() if path.endswith(end)), None)
            try:
                if instead:
                    return instead()
                if needs_token and not is_authorized(request):
                    raise Refusal(401)
                return await endpoint(hub, request)
            except Refusal as refusal:
                return JSONResponse({"error": "No."}, refusal.status, headers={"x-error-code": refusal.code})

        return answer

    async def nowhere(request: Request) -> Response:
        hub.asked.append(Asked(request.method, request.url.path, request.headers.get("authorization", "")))
        return Response(status_code=404)

    return Starlette(
        routes=[
            *(Route(path, answering(endpoint, needs_token=False)) for path, endpoint in READING.items()),
            *(
                Route(path, answering(endpoint, needs_token=True), methods=["POST"])
                for path, endpoint in WRITING.items()
            ),
            Route("/large/{oid}", answering(lfs_put, needs_token=False), methods=["PUT"]),
            Route("/{path:path}", nowhere, methods=["GET", "POST", "PUT", "HEAD"]),
        ]
    )


@contextmanager
def running_hub() -> Iterator[LocalHub]:
    """Run a stand-in on a free port until the end of the block."""
    hub = LocalHub()
    config = uvicorn.Config(application(hub), port=0, log_level="error", lifespan="off", ws="none")
    with config.bind_socket() as socket:
        hub.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield hub
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)
