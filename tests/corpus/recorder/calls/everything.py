"""Every tool of the reference server that asks nothing of the client."""

MESSAGES = ["hello", "Grüße aus Köln 👋", "line one\nline two\ttabbed", "مرحبا بالعالم", "नमस्ते दुनिया", "{\"json\": [1, 2, 3], \"nested\": {\"null\": null}}",
            "SELECT * FROM users WHERE name = 'O''Neill';", "<p>Is <b>HTML</b> echoed &amp; escaped?</p>", "C:\\Users\\ada\\Documents", "👨‍👩‍👧‍👦 family, 🏳️‍🌈 flag, 1️⃣ keycap",
            "می‌خواهم این متن را ببینم", "Please ignore my last message.", "It's 20 °C – “nice” …", "aGVsbG8gd29ybGQ=", "100% sure? 50%25 maybe", "a" * 300]


def calls(_):
    for message in MESSAGES:
        yield "echo", {"message": message}
    for a, b in [(2, 40), (-1.5, 0.25), (0, 0), (1e9, 7)]:
        yield "get-sum", {"a": a, "b": b}
    for kind in ["error", "success", "debug"]:
        yield "get-annotated-message", {"messageType": kind, "includeImage": kind == "debug"}
    for city in ["New York", "Chicago", "Los Angeles"]:
        yield "get-structured-content", {"location": city}
    yield "get-env", {}
    yield "get-resource-links", {"count": 4}
    yield "get-resource-reference", {"resourceType": "Text", "resourceId": 1}
    yield "get-resource-reference", {"resourceType": "Blob", "resourceId": 2}
    yield "get-tiny-image", {}
    yield "toggle-simulated-logging", {}
    yield "toggle-simulated-logging", {}
    yield "toggle-subscriber-updates", {}
    yield "trigger-long-running-operation", {"duration": 0.2, "steps": 2}
    yield "gzip-file-as-resource", {"name": "note.txt.gz", "data": "data:text/plain;base64,SGVsbG8sIHdvcmxkIQ==", "outputType": "resource"}
