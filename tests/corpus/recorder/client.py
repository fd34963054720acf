"""An MCP client over stdio: one line a message, every wait bounded."""

import json
import select
import subprocess

PATIENCE = 60


class Client:
    """A server that was started, and our ends of its pipes."""

    def __init__(self, command, directory, environment):
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.next = 0
        self.buffer = b""

    def ask(self, method, params):
        """Sends a request and returns the answer's `result`, or `{"error": …}`."""
        self.next += 1
        self.tell(method, params, self.next)
        while True:
            message = self.line()
            if message.get("id") == self.next and "method" not in message:
                return message["result"] if "result" in message else {"error": message["error"]}
            if "method" in message and "id" in message:
                self.refuse(message["id"])

    def tell(self, method, params, number=None):
        """Sends a request with a number, or a notification without one."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self.write(message)

    def refuse(self, number):
        """Answers what the server asks: this client can do nothing."""
        self.write({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "not offered"}})

    def write(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            chunk = self.process.stdout.read1(1 << 16) if ready else b""
            if not chunk:
                raise RuntimeError(f"{self.process.args} does not answer")
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def handshake(self):
        info = {"name": "recorder", "version": "1"}
        answer = self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info})
        self.tell("notifications/initialized", {})
        return answer

    def end(self):
        """Closes the server's stdin and waits for its end."""
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
