"""Pages, raw texts and documents of a few hosts, all of which are one server on loopback behind a proxy."""

import workspace as texts

PAGES = ["guide", "recipe", "news-de", "wiki-ja", "changelog", "shop", "status", "feed"]


def calls(root):
    for page in PAGES:
        yield "fetch", {"url": f"http://www.example.org/{page}"}
        yield "fetch", {"url": f"http://www.example.org/{page}", "raw": True, "max_length": 1500}
    yield "fetch", {"url": "http://blog.example.net/security-blog", "QUOTES": True}
    for number, path in enumerate(texts.packages()):
        if number % 7 == 1:
            name = path.relative_to(texts.NODE_MODULES)
            yield "fetch", {"url": f"http://raw.example.com/packages/{name}", "max_length": 2500, "start_index": number % 2 * 200}
    for name in ["docs/host-log.md", "docs/sessions.md", "docs/top.md", "docs/ebpf.md", "docs/install-and-run.md"]:
        yield "fetch", {"url": f"http://raw.example.com/project/{name}?plain=1#top", "max_length": 2500}
    yield "fetch", {"url": "http://www.example.org/guide", "max_length": 300, "start_index": 300}
    yield "fetch", {"url": "http://www.example.org/guide", "start_index": 90000}
    yield "fetch", {"url": "http://www.example.org/no-such-page"}
    yield "fetch", {"url": "http://www.example.org/private/report"}
    yield "fetch", {"url": "https://docs.example.org/secure?lang=en&version=2"}
    yield "fetch", {"url": "http://xn--bcher-kva.example/recipe"}
    yield "fetch", {"url": "http://www.example.org:8080/status?since=2025-03-01T00%3A00%3A00Z"}
