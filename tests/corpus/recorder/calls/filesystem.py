"""Reading, writing, editing, moving and looking around in a workspace."""

import workspace as texts

HEADS = [20, 40, 30, 25]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/policy.md", "docs/audit-log.md", "docs/daemon.md", "docs/host-rules.md",
             "docs/network.md", "docs/when-something-dies.md", "docs/packaging.md", "docs/metrics.md", "LICENSE-MIT", "Cargo.toml", "deny.toml",
             "policies/github.yaml", "policies/git.yaml", "policies/everything.yaml", "dist/systemd/mcpguard.service",
             "tests/clients/sdk1.py", "tests/clients/sdk-v2.mjs", "tests/puppet/attack.c", "supervisor/policy/src/lib.rs",
             "supervisor/names/src/lib.rs", "supervisor/peek/src/lib.rs", "supervisor/audit/src/lib.rs", "supervisor/mcp/src/lib.rs",
             "supervisor/control/src/lib.rs", "supervisor/telemetry/src/lib.rs", "supervisor/enforce/src/lib.rs", "ebpf/abi/src/lib.rs",
             "xtask/src/main.rs", "xtask/src/demo.rs", "xtask/src/bench/stats.rs"]


def calls(root):
    yield from looks(root)
    yield from reads(root)
    yield from writes(root)


def looks(root):
    yield "list_allowed_directories", {}
    for place in ["", "/desk", "/project", "/project/docs", "/packages/glob", "/python"]:
        yield "list_directory", {"path": f"{root}{place}"}
    yield "list_directory_with_sizes", {"path": f"{root}/desk", "sortBy": "size"}
    yield "list_directory_with_sizes", {"path": f"{root}/project/policies"}
    yield "directory_tree", {"path": f"{root}/project/policies"}
    yield "directory_tree", {"path": f"{root}/project/xtask", "excludePatterns": ["vm", "bench", "**/tidy"]}
    for pattern in ["**/*.md", "**/Cargo.toml", "*.yaml", "**/*secret*", "**/LICENSE*"]:
        yield "search_files", {"path": f"{root}/project", "pattern": pattern, "excludePatterns": ["tests/**", ".git/**"]}
    for name in ["desk/mail.txt", "desk/deploy.sh", "project", "desk/nothing-here.txt"]:
        yield "get_file_info", {"path": f"{root}/{name}"}


def reads(root):
    for path in sorted((texts.HERE / "fixtures/desk").iterdir()):
        yield "read_text_file", {"path": f"{root}/desk/{path.name}"}
    for number, path in enumerate(texts.packages()):
        if number % 3 == 0:
            name = path.relative_to(texts.NODE_MODULES)
            yield "read_text_file", {"path": f"{root}/packages/{name}", "head": HEADS[number % 4]}
    for name, _ in texts.modules():
        yield "read_text_file", {"path": f"{root}/python/{name}", "head": 45}
    for number, name in enumerate(DOCUMENTS):
        yield "read_text_file", {"path": f"{root}/project/{name}", ["head", "tail"][number % 5 == 4]: 14 if name.endswith(".md") else 40}
    yield "read_text_file", {"path": f"{root}/project/supervisor/content/src/lib.rs", "head": 45, "QUOTES": True}
    yield "read_file", {"path": f"{root}/desk/orders.csv"}
    yield "read_text_file", {"path": f"{root}/desk/missing.txt"}
    yield "read_multiple_files", {"paths": [f"{root}/desk/{name}" for name in ["config.yaml", "missing.txt", "notes.json"]]}


def writes(root):
    notes = f"{root}/desk/new/notes.md"
    yield "create_directory", {"path": f"{root}/desk/new"}
    yield "write_file", {"path": notes, "content": "# Notes\n\n- call the bank 🏦\n- ask Mira about the index\n"}
    yield "write_file", {"path": f"{root}/desk/new/parse.py", "content": 'import json\nimport sys\n\n\ndef main():\n    """Reads lines of JSON and prints the sums."""\n    total = sum(json.loads(line)["amount"] for line in sys.stdin)\n    print(f"{total:.2f}")\n\n\nif __name__ == "__main__":\n    main()\n'}
    yield "write_file", {"path": f"{root}/desk/new/übersicht 2025.txt", "content": "Ausgaben im März\r\n\r\nMiete\t980,00 €\r\nStrom\t 64,20 €\r\n"}
    yield "write_file", {"path": f"{root}/desk/new/run.sh", "content": "#!/bin/sh\nset -eu\ncd \"$(dirname \"$0\")\" || exit 1\nrm -rf build && mkdir build\ncargo build --release 2>&1 | tee build/log.txt\n"}
    yield "write_file", {"path": f"{root}/desk/new/query.sql", "content": "DELETE FROM session WHERE expires_at < now();\nSELECT count(*) FROM session;\n"}
    yield "write_file", {"path": f"{root}/desk/new/会議.md", "content": "# 会議メモ\n\n次回は三月三十一日です。以前の議事録を参照してください。\n"}
    yield "edit_file", {"path": notes, "edits": [{"oldText": "call the bank 🏦", "newText": "call the bank 🏦 (done)"}], "dryRun": True}
    yield "edit_file", {"path": notes, "edits": [{"oldText": "- ask Mira", "newText": "- do not ask Mira, she is away; ask Jonas"}]}
    yield "edit_file", {"path": f"{root}/desk/config.yaml", "edits": [{"oldText": "pool: 16", "newText": "pool: 32"}, {"oldText": "level: info", "newText": "level: debug"}]}
    yield "edit_file", {"path": notes, "edits": [{"oldText": "what is not there", "newText": "x"}]}
    yield "move_file", {"source": notes, "destination": f"{root}/desk/new/notes-2025-03.md"}
    yield "move_file", {"source": f"{root}/desk/new/run.sh", "destination": f"{root}/desk/run.sh"}
    yield "move_file", {"source": f"{root}/desk/new/nothing", "destination": f"{root}/desk/x"}
    for path in ["desk/new/notes-2025-03.md", "desk/new/übersicht 2025.txt", "./desk/../desk/run.sh", "packages/[a]/x.txt", "desk/$file.txt"]:
        yield "read_text_file", {"path": f"{root}/{path}"}
