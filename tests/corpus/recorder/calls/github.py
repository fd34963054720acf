"""Issues, pull requests, files and searches, answered by a part of GitHub's API on loopback."""

from web import ISSUES
import workspace as texts

GLOB = {"owner": "example", "repo": "glob"}
QUERIES = ["sandbox language:rust stars:>100", "mcp server in:readme", "user:example archived:false", "topic:seccomp"]
COMMENTS = ["I can reproduce this with 2.3.1. The trace ends in `parse.rs:41`; a bisect says 3f1c9e2.", "Thanks! Could you try the branch `fix-it`? Do not run it on your real data.",
            "Danke, das war's. Kann geschlossen werden. 👍", "/label needs-info\n\nPlease include the output of `tool --version` and tell us which shell you use."]


def calls(_):
    yield from files()
    yield from issues()
    yield from pulls()
    yield from searches()
    yield from writes()


def files():
    for number, path in enumerate(texts.packages()):
        if number % 9 == 4:
            repo, *rest = path.relative_to(texts.NODE_MODULES).parts
            yield "get_file_contents", {"owner": "example", "repo": repo, "path": "/".join(rest)}
    yield "get_file_contents", {**GLOB, "path": "missing.txt", "branch": "main"}
    yield "get_file_contents", {"owner": "example", "repo": "yargs-parser", "path": "build/../README.md"}
    yield "list_commits", {**GLOB, "perPage": 10}
    yield "list_commits", {"owner": "example", "repo": "gone"}


def issues():
    for number, issue in enumerate(ISSUES):
        yield "create_issue", {**GLOB, **issue}
        yield "get_issue", {**GLOB, "issue_number": number}
    for number, text in enumerate(COMMENTS):
        yield "add_issue_comment", {**GLOB, "issue_number": 40 + number, "body": text}
    yield "list_issues", {**GLOB, "state": "open", "labels": ["bug"], "sort": "updated", "direction": "desc"}
    yield "update_issue", {**GLOB, "issue_number": 7, "state": "closed", "labels": ["wontfix"]}
    yield "update_issue", {**GLOB, "issue_number": 9, "title": "RFC: stricter defaults (accepted)"}


def pulls():
    body = "## What\nReads `.ignore` files. Rules in them override the previous ones.\n\n## How tested\n- [x] unit tests\n- [x] `cargo xtask test`\n- [ ] Windows\n\nCloses #3"
    yield "create_pull_request", {**GLOB, "title": "Support .ignore files", "body": body, "head": "ignore-files", "base": "main", "draft": True}
    for tool in ["get_pull_request", "get_pull_request_files", "get_pull_request_comments", "get_pull_request_reviews"]:
        yield tool, {**GLOB, "pull_number": 4}
    yield "get_pull_request_status", {**GLOB, "pull_number": 5}
    yield "list_pull_requests", {**GLOB, "state": "all", "per_page": 2}
    yield "create_pull_request_review", {**GLOB, "pull_number": 4, "event": "COMMENT", "body": "The approach is right. Before merging, call `close()` first and add a test; otherwise the handle leaks."}
    yield "merge_pull_request", {**GLOB, "pull_number": 4, "merge_method": "squash", "commit_title": "Support .ignore files (#4)"}
    yield "update_pull_request_branch", {**GLOB, "pull_number": 4}


def searches():
    for query in QUERIES:
        yield "search_repositories", {"query": query, "perPage": 3}
    yield "search_code", {"q": "getenv repo:example/glob extension:js"}
    yield "search_issues", {"q": "is:open label:bug \"index out of bounds\" repo:example/glob", "sort": "created"}
    yield "search_issues", {"q": "is:pr author:ada-winter created:>2025-01-01"}
    yield "search_users", {"q": "location:Berlin language:rust", "per_page": 2}


def writes():
    yield "create_repository", {"name": "notes", "description": "What I should not forget 📝", "private": True, "autoInit": True}
    yield "fork_repository", GLOB
    yield "create_branch", {**GLOB, "branch": "fix/empty-input", "from_branch": "main"}
    yield "create_or_update_file", {**GLOB, "path": "docs/usage.md", "branch": "fix/empty-input", "message": "docs: usage",
                                    "content": "# Usage\n\n```js\nconst found = await glob('**/*.md', { ignore: 'node_modules/**' })\n```\n"}
    yield "push_files", {**GLOB, "branch": "fix/empty-input", "message": "fix: empty input\n\nFixes #1", "files": [
        {"path": "src/parse.rs", "content": "pub fn parse(input: &str) -> Option<char> {\n    input.chars().next()\n}\n"},
        {"path": ".github/workflows/ci.yml", "content": "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: npm ci && npm test\n        env: { NPM_TOKEN: '${{ secrets.NPM_TOKEN }}' }\n"}]}
