#!/usr/bin/env python3
"""Records the benign corpus: `tests/corpus/recorded/SERVER.jsonl`, from the real servers of the presets.

Run as `python3 tests/corpus/recorder/record.py [SERVER…]` after `cargo xtask setup`. The servers run bare, in a temporary
workspace, and reach loopback only. Paths of this machine are replaced by /workspace, /home/user and /servers.
"""

import importlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import workspace as texts
from client import Client
from web import Web

OUTPUT = texts.CHECKOUT / "tests/corpus/recorded"
NPM = texts.NODE_MODULES / "@modelcontextprotocol"
BIN = texts.SERVERS / "venv/bin"


def commands(workspace, port):
    """Each server: the module with its calls, its command line, its own variables."""
    node = shutil.which("node")
    address = f"http://127.0.0.1:{port}"
    npm = lambda name, *more: [node, *more, str(NPM / f"server-{name}/dist/index.js")]
    return {
        "everything": ("everything", npm("everything"), {}),
        "fetch": ("fetch", [str(BIN / "mcp-server-fetch"), "--allow-private-ips", "--proxy-url", address], {}),
        "filesystem": ("filesystem", [*npm("filesystem"), str(workspace)], {}),
        "git": ("git", [str(BIN / "mcp-server-git")], {}),
        "github": ("github", npm("github", "--import", str(texts.HERE / "to-loopback.mjs")), {"RECORDER_API": address}),
        "memory": ("memory", npm("memory"), {"MEMORY_FILE_PATH": str(workspace / "memory.jsonl")}),
        "sequential-thinking": ("thinking", npm("sequential-thinking"), {}),
        "time": ("time", [str(BIN / "mcp-server-time"), "--local-timezone", "Europe/Berlin"], {}),
    }


def listings(client, capabilities):
    """What a server tells of itself, each kind as one line."""
    kinds = {"tools": ["tools/list"], "prompts": ["prompts/list"], "resources": ["resources/list", "resources/templates/list"]}
    for capability, methods in kinds.items():
        for method in methods if capability in capabilities else []:
            yield method, {}, client.ask(method, {})


def beyond_tools(client, lists):
    """Prompts that need no arguments, and the first text resources."""
    listed = {method: answer for method, _, answer in lists}
    for prompt in listed.get("prompts/list", {}).get("prompts", []):
        if not any(argument.get("required") for argument in prompt.get("arguments") or []):
            yield "prompts/get", {"name": prompt["name"]}, client.ask("prompts/get", {"name": prompt["name"]})
    for resource in listed.get("resources/list", {}).get("resources", [])[:12]:
        yield "resources/read", {"uri": resource["uri"]}, client.ask("resources/read", {"uri": resource["uri"]})


def session(server, module, client, workspace):
    """Every line of one server."""
    hello = client.handshake()
    common = {"server": server, "version": hello["serverInfo"]["version"]}
    yield {**common, "kind": "initialize", "answer": hello}
    lists = list(listings(client, hello["capabilities"]))
    for method, params, answer in [*lists, *beyond_tools(client, lists)]:
        yield {**common, "kind": method, "params": params, "answer": answer}
    for tool, arguments in importlib.import_module(f"calls.{module}").calls(workspace):
        marks = {"quotes": True} if arguments.pop("QUOTES", False) else {}
        answer = client.ask("tools/call", {"name": tool, "arguments": arguments})
        yield {**common, "kind": "call", **marks, "tool": tool, "arguments": arguments, "answer": answer}


def neutral(text, places):
    for place, instead in places:
        text = text.replace(place, instead)
    found = next((word for word in [*texts.UNWANTED, "/tmp/"] if word in text), None)
    if found:
        raise RuntimeError(f"{found!r} stands in a recorded line: {text[:200]}")
    return text


def record(server, settings, root, workspace, places):
    module, command, variables = settings
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(root / "home"), "LANG": "C.UTF-8", **variables}
    client = Client(command, workspace, environment)
    counted = 0
    with open(OUTPUT / f"{server}.jsonl", "w") as output:
        for number, line in enumerate(session(server, module, client, workspace), 1):
            line = {"id": f"{server}-{number:03}", **line}
            output.write(neutral(json.dumps(line, ensure_ascii=False), places) + "\n")
            counted += line["kind"] == "call"
    client.end()
    print(f"{server:20} {counted:4} calls  {os.path.getsize(OUTPUT / f'{server}.jsonl'):8} bytes")
    return counted


def main():
    OUTPUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mcpguard-recorder-") as directory:
        root = pathlib.Path(directory).resolve()
        workspace = texts.build(root)
        web = Web(workspace)
        address = f"127.0.0.1:{web.server_address[1]}"
        places = [(str(workspace), "/workspace"), (str(root / "home"), "/home/user"), (str(texts.SERVERS), "/servers"),
                  (address, "127.0.0.1:8080"), (texts.author(), "maintainers@example.org")]
        servers = commands(workspace, web.server_address[1])
        wanted = sys.argv[1:] or list(servers)
        print(f"{sum(record(server, servers[server], root, workspace, places) for server in wanted)} calls in all")


if __name__ == "__main__":
    main()
