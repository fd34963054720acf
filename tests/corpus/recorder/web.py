"""What stands for the internet, on loopback: pages behind an HTTP proxy, and the part of GitHub's API that the server uses."""

import base64
import hashlib
import http.server
import json
import pathlib
import re
import threading
import urllib.parse

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
ISSUES = json.loads((FIXTURES / "issues.json").read_text())
API = "https://api.github.com"
TIMES = {"created_at": "2025-02-11T09:00:00Z", "updated_at": "2025-03-04T10:00:00Z"}
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".xml": "application/atom+xml"}


def sha(text):
    return hashlib.sha1(text.encode()).hexdigest()


def user(name):
    return {"login": name, "id": len(name), "node_id": "U_" + sha(name)[:8], "url": f"{API}/users/{name}", "type": "User",
            "avatar_url": f"https://avatars.githubusercontent.com/u/{len(name)}?v=4", "html_url": f"https://github.com/{name}"}


def repository(owner, name):
    path = f"{owner}/{name}"
    return {"id": len(path), "node_id": "R_" + sha(path)[:10], "name": name, "full_name": path, "private": False,
            "owner": user(owner), "html_url": f"https://github.com/{path}", "description": f"{name}: what it says on the tin",
            "fork": False, "url": f"{API}/repos/{path}", **TIMES, "pushed_at": TIMES["updated_at"], "default_branch": "main",
            "git_url": f"git://github.com/{path}.git", "ssh_url": f"git@github.com:{path}.git", "clone_url": f"https://github.com/{path}.git"}


def issue(path, number, body=None):
    told = {**ISSUES[number % len(ISSUES)], **(body or {})}
    url, page = f"{API}/repos/{path}/issues/{number}", f"https://github.com/{path}/issues/{number}"
    labels = [{"id": len(name), "node_id": "L_" + sha(name)[:8], "url": f"{API}/repos/{path}/labels/{urllib.parse.quote(name)}",
               "name": name, "color": sha(name)[:6], "default": False, "description": None} for name in told.get("labels") or []]
    return {"url": url, "repository_url": f"{API}/repos/{path}", "labels_url": url + "/labels{/name}", "comments_url": url + "/comments",
            "events_url": url + "/events", "html_url": page, "id": 2_000_000 + number, "node_id": f"I_{number}", "number": number,
            "title": told["title"], "user": user("ada-winter"), "labels": labels, "state": told.get("state", "open"), "locked": False,
            "assignee": None, "assignees": [], "milestone": None, "comments": number % 4, **TIMES, "closed_at": None, "body": told.get("body")}


def side(path, branch):
    owner, name = path.split("/")
    return {"label": f"{owner}:{branch}", "ref": branch, "sha": sha(branch), "user": user(owner), "repo": repository(owner, name)}


def pull(path, number, body=None):
    told, page = issue(path, number, body), f"https://github.com/{path}/pull/{number}"
    return {**told, "url": f"{API}/repos/{path}/pulls/{number}", "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
            "issue_url": told["url"], "merged_at": None, "merge_commit_sha": None, "requested_reviewers": [],
            "head": side(path, (body or {}).get("head", "fix-it")), "base": side(path, "main")}


def commit(path, text):
    who = {"name": "Ada Winter", "email": "ada@example.org", "date": TIMES["updated_at"]}
    url = f"{API}/repos/{path}/commits/{sha(text)}"
    return {"sha": sha(text), "node_id": "C_" + sha(text)[:10], "url": url, "html_url": f"https://github.com/{path}/commit/{sha(text)}",
            "comments_url": url + "/comments", "commit": {"author": who, "committer": who, "message": text, "url": url,
            "comment_count": 0, "tree": {"sha": sha(text + "t"), "url": url}}}


def file(path, name, text):
    url = f"{API}/repos/{path}/contents/{name}"
    page = f"https://github.com/{path}/blob/main/{name}"
    return {"name": name.split("/")[-1], "path": name, "sha": sha(text), "size": len(text.encode()), "url": url, "html_url": page,
            "git_url": f"{API}/repos/{path}/git/blobs/{sha(text)}", "download_url": f"https://raw.githubusercontent.com/{path}/main/{name}",
            "type": "file", "content": base64.encodebytes(text.encode()).decode(), "encoding": "base64",
            "_links": {"self": url, "git": None, "html": page}}


class Web(http.server.ThreadingHTTPServer):
    """Answers for every host: started on a port of the system's choice."""

    def __init__(self, workspace):
        super().__init__(("127.0.0.1", 0), Handler)
        self.workspace = workspace
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json; charset=utf-8"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self):
        self.send(502, {"message": "no such host"})

    def do_GET(self):
        import github
        url = urllib.parse.urlsplit(self.path)
        if not url.netloc:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            return self.send(*github.answer(self.server.workspace, self.command, url.path, urllib.parse.parse_qs(url.query), body))
        self.page(url)

    do_POST = do_PATCH = do_PUT = do_GET

    def page(self, url):
        name = url.path.strip("/")
        if name == "robots.txt":
            return self.send(200, b"User-agent: *\nDisallow: /private\n", "text/plain")
        text = self.server.workspace / name
        page = next((FIXTURES / "site").glob(re.sub(r"[^\w-]", "", name) + ".*"), None) if "/" not in name else None
        if page:
            return self.send(200, page.read_bytes(), TYPES[page.suffix])
        if text.is_file() and ".." not in name:
            return self.send(200, text.read_bytes(), "text/plain; charset=utf-8")
        self.send(404, b"<html><head><title>404</title></head><body><h1>Not found</h1></body></html>", "text/html")
