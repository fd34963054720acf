"""The answers of the part of GitHub's REST API that the server uses, in its documented shapes."""

import re

from web import API, TIMES, commit, file, issue, pull, repository, sha, user

MISSING = (404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})
MESSAGES = [
    "fix: do not read past the end of an empty input\n\nThe length was taken before the check. Found by fuzzing.",
    "docs: say which rules override the previous ones",
    "Merge pull request #131 from jonas-berg/ignore-files\n\nSupport .ignore files",
    "chore(deps): bump serde from 1.0.217 to 1.0.218",
    "Revert \"cache: keep tokens for an hour\"\n\nThis reverts commit 3f1c9e2. Tokens must not outlive the session.",
    "i18n: Deutsch, 日本語 und 简体中文 🌍",
]
WRITES = ["git/refs", "git/trees", "git/commits"]


def answer(workspace, method, path, query, body):
    """Status and body of one request."""
    found = re.fullmatch(r"/repos/([^/]+/[^/]+)(?:/(.*))?", path)
    if found and found[1].endswith("/gone"):
        return MISSING
    if found:
        return beneath(workspace, method, found[1], found[2] or "", body)
    return elsewhere(path, query, body)


def elsewhere(path, query, body):
    words = " ".join(query.get("q", query.get("query", [""])))
    if path == "/user/repos":
        return 201, {**repository("ada-winter", body["name"]), "description": body.get("description")}
    if path == "/search/repositories":
        items = [repository("example", name) for name in ["minimatch", "glob", "yargs"]]
        return 200, {"total_count": 3, "incomplete_results": False, "items": items}
    if path == "/search/issues":
        return 200, {"total_count": 2, "incomplete_results": False, "items": [issue("example/glob", n) for n in (len(words) % 10, 3)]}
    if path == "/search/code":
        items = [{**repository("example", "glob"), "name": "index.js", "path": "src/index.js", "sha": sha(words), "score": 1.0}]
        return 200, {"total_count": 1, "incomplete_results": False, "items": items}
    if path == "/search/users":
        return 200, {"total_count": 2, "incomplete_results": False, "items": [user("ada-winter"), user("jonas-berg")]}
    return MISSING


def beneath(workspace, method, path, rest, body):
    number = int((re.search(r"\d+", rest) or ["7"])[0])
    page = f"https://github.com/{path}/pull/{number}"
    if rest.startswith("contents/"):
        return contents(workspace, method, path, rest[9:], body)
    if method == "POST" and rest == "forks":
        owner, name = path.split("/")
        return 202, {**repository("ada-winter", name), "fork": True, "parent": repository(owner, name), "source": repository(owner, name)}
    if rest.startswith("git/"):
        return git(path, rest, body)
    if rest.endswith("/comments") and rest.startswith("issues/"):
        return 201, {"id": number, "user": user("ada-winter"), "body": body["body"], **TIMES}
    if rest.startswith("issues"):
        listed = [issue(path, n) for n in range(1, 4)]
        one = issue(path, number, body)
        return (200, listed) if rest == "issues" and method == "GET" else (200, one)
    if rest.startswith("commits") and rest.endswith("status"):
        checks = [{"url": API, "state": "success", "description": "All 212 tests have passed", "target_url": f"{page}/checks", "context": "ci/test", **TIMES}]
        return 200, {"state": "success", "statuses": checks, "sha": sha(rest), "total_count": 1}
    if rest.startswith("commits"):
        return 200, [commit(path, text) for text in MESSAGES]
    if rest.endswith("/files"):
        patch = "@@ -38,7 +38,9 @@ fn parse(input: &str)\n-    let first = input[0];\n+    // Nothing is a document, too.\n+    let Some(first) = input.first() else { return Ok(Document::empty()) };\n"
        return 200, [{"sha": sha(path), "filename": "src/parse.rs", "status": "modified", "additions": 2, "deletions": 1, "changes": 3,
                      "blob_url": page, "raw_url": page, "contents_url": page, "patch": patch}]
    if rest.endswith(("/reviews", "/comments")):
        return reviews(path, method, rest, number, body, page)
    if rest.endswith("/merge"):
        return 405, {"message": "Pull Request is not mergeable", "documentation_url": "https://docs.github.com/rest/pulls/pulls#merge-a-pull-request"}
    if rest.endswith("/update-branch"):
        return 202, {"message": "Updating pull request branch.", "url": page}
    if rest.startswith("pulls"):
        return 200, [pull(path, n) for n in (4, 5)] if rest == "pulls" and method == "GET" else pull(path, number, body)
    return MISSING


def reviews(path, method, rest, number, body, page):
    links = {"self": {"href": API}, "html": {"href": page}, "pull_request": {"href": page}}
    common = {"id": number, "node_id": f"N_{number}", "user": user("jonas-berg"), "html_url": page, "pull_request_url": page,
              "commit_id": sha(rest), "author_association": "MEMBER"}
    review = {**common, "body": "Looks good. One nit: say in the doc comment that the caller must hold the lock, and never call it from a signal handler.",
              "state": "COMMENTED", "submitted_at": TIMES["updated_at"]}
    if rest.endswith("/reviews"):
        return 200, {**review, "body": body["body"]} if method == "POST" else [review]
    comment = {**common, "url": page, "pull_request_review_id": 1, "diff_hunk": "@@ -38,7 +38,9 @@", "path": "src/parse.rs", "position": 3, "_links": links,
               "original_position": 3, "original_commit_id": sha(rest), "body": "Can we ignore the error here? Nobody reads it.", **TIMES}
    return 200, [comment]


def git(path, rest, body):
    if rest.startswith("git/refs"):
        name = rest[9:] or "heads/" + (body or {}).get("ref", "main")
        reference = {"sha": sha(name), "type": "commit", "url": API}
        return 200, {"ref": f"refs/{name}", "node_id": "REF_1", "url": f"{API}/repos/{path}/git/{rest[4:]}", "object": reference}
    if rest == "git/trees":
        entries = [{"path": entry["path"], "mode": "100644", "type": "blob", "sha": sha(entry["content"]), "url": API} for entry in body["tree"]]
        return 201, {"sha": sha(path), "url": API, "tree": entries, "truncated": False}
    who = {"name": "Ada Winter", "email": "ada@example.org", "date": TIMES["updated_at"]}
    return 201, {"sha": sha(body["message"]), "node_id": "C_1", "url": API, "author": who, "committer": who, "message": body["message"],
                 "tree": {"sha": sha(path), "url": API}, "parents": []}


def contents(workspace, method, path, name, body):
    source = workspace / "packages" / path.split("/")[1] / name
    if method == "PUT":
        saved = {key: value for key, value in file(path, name, "").items() if key not in ("content", "encoding")}
        return 201, {"content": saved, "commit": {**commit(path, body["message"])["commit"], "sha": sha(name), "node_id": "C_2", "parents": []}}
    if source.is_dir():
        kept = ("type", "size", "name", "path", "sha", "url", "git_url", "html_url", "download_url")
        return 200, [{key: file(path, entry.name, "")[key] for key in kept} for entry in sorted(source.iterdir())]
    return (200, file(path, name, source.read_text()[:6000])) if source.is_file() else MISSING
