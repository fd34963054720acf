"""The files that the servers work on: texts of people who never heard of this corpus, and some of our own."""

import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
SERVERS = CHECKOUT / "target/servers"
NODE_MODULES = SERVERS / "npm/node_modules"
# The commit whose files and history are read; any later one will do as well.
COMMIT = "be85c61"
# 4 March 2025: files and commits have one time, so that recordings differ in little.
TIME = 1741082400
# In halves: no file of the project names a package registry or a path of one machine.
UNWANTED = ["npm" + "js.", "py" + "pi.org", "python" + "hosted", "crates" + ".io", "/root/" + ".", "/wo" + "rk/"]
KINDS = ["README.md", "readme.md", "CHANGELOG.md", "HISTORY.md", "index.js", "LICENSE", "package.json", "index.d.ts",
         "SECURITY.md", "LICENSE.md", "lib/index.js", "src/index.js"]
MODULES = ["requests/models.py", "requests/sessions.py", "requests/utils.py", "httpx/_auth.py", "httpx/_urls.py",
           "mcp/server/stdio.py", "anyio/abc/_tasks.py", "markdownify/__init__.py", "idna/core.py", "click/parser.py",
           "jsonschema/validators.py", "urllib3/connection.py", "certifi/core.py", "tzlocal/utils.py", "h11/_events.py",
           "pydantic/fields.py", "starlette/routing.py", "git/repo/fun.py", "git/exc.py", "lxml/html/clean.py",
           "dotenv/main.py", "uvicorn/logging.py", "typing_extensions.py", "six.py", "bs4/formatter.py"]


def is_wanted(path):
    """A text of moderate size that names no registry and no machine."""
    if not path.is_file() or path.stat().st_size > 60_000:
        return False
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    return len(text) > 200 and not any(word in text for word in UNWANTED)


def packages():
    """Up to two files of each package of the installed servers, of all kinds in turn."""
    chosen = []
    for number, package in enumerate(sorted(path for path in NODE_MODULES.iterdir() if path.name[0] not in ".@")):
        turn = number % len(KINDS)
        files = [package / kind for kind in KINDS[turn:] + KINDS[:turn]]
        chosen += [path for path in files if is_wanted(path)][:2]
    return chosen


def modules():
    """Modules of the installed Python packages."""
    site = next((SERVERS / "venv/lib").glob("python3*/site-packages"))
    return [(name, site / name) for name in MODULES if is_wanted(site / name)]


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    os.utime(target, (TIME, TIME))


def git(directory, *words):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null"}
    command = ["git", "-c", "user.name=Ada Winter", "-c", "user.email=ada@example.org", "-C", str(directory), *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def author():
    """Who wrote this project's history; replaced in what is recorded."""
    return git(CHECKOUT, "log", "-1", "--format=%ae", COMMIT).strip()


def build(root):
    """Makes the workspace beneath `root` and returns its place."""
    workspace = root / "workspace"
    for path in sorted((HERE / "fixtures/desk").iterdir()):
        copy(path, workspace / "desk" / path.name)
    for path in packages():
        copy(path, workspace / "packages" / path.relative_to(NODE_MODULES))
    for name, path in modules():
        copy(path, workspace / "python" / name)
    (root / "home").mkdir()
    (root / "home/.gitconfig").write_text("[user]\n  name = Ada Winter\n  email = ada@example.org\n")
    git(root, "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(workspace / "project"))
    git(workspace / "project", "checkout", "--quiet", "-B", "main", COMMIT)
    git(workspace / "project", "remote", "remove", "origin")
    (workspace / "shop").mkdir()
    git(workspace / "shop", "init", "--quiet", "--initial-branch", "main")
    return workspace
