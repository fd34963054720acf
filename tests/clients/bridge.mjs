// Streamable HTTP on one side, a stdio server on the other: what the official conformance suite needs, which speaks HTTP only.
// No message is changed: bodies become lines and lines become events as they are.
//
// Usage: node bridge.mjs COMMAND…   prints its URL as JSON and ends with its stdin.
//
// A session (up to 2025-11-25) is a process of its own; so is a request that belongs to nothing. Requests of 2026-07-28
// share a process.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const argv = process.argv.slice(2);
const VERSION = "io.modelcontextprotocol/protocolVersion";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";
const sessions = new Map();

class Session {
  // The streams of requests that wait for their answer, by the text of the id; the one that no request has opened.
  waiting = new Map();
  standing = null;
  child = spawn(argv[0], argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] });

  constructor() {
    createInterface({ input: this.child.stdout }).on("line", (line) => this.hear(line));
    this.child.on("exit", () => this.waiting.forEach((stream) => stream.end()));
    this.child.stdin.on("error", () => {});
  }

  hear(line) {
    const { id, method, params } = JSON.parse(line);
    const asked = JSON.stringify(id);
    if (method === undefined && this.waiting.has(asked)) {
      this.waiting.get(asked).end(event(line));
      this.waiting.delete(asked);
      return;
    }
    // On stdio nothing says to which request a message belongs, but for subscriptions: the newest one it is.
    const named = this.waiting.get(JSON.stringify(params?._meta?.[SUBSCRIPTION]));
    (named ?? [...this.waiting.values()].pop() ?? this.standing)?.write(event(line));
  }
}

const event = (line) => `data: ${line}\n\n`;
// One is always started ahead: a server in Python takes a second.
let spare = new Session();

function fresh() {
  const session = spare;
  spare = new Session();
  return session;
}

function stream(response, name) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", "mcp-session-id": name });
  response.flushHeaders();
}

function post(given, response, body) {
  if (given && !sessions.has(given)) return response.writeHead(404).end();
  const { id, method, params } = JSON.parse(body);
  const modern = params?._meta?.[VERSION] >= "2026-07-28";
  const name = given ?? (modern ? "modern" : randomUUID());
  if (!sessions.has(name)) sessions.set(name, fresh());
  const session = sessions.get(name);
  if (method !== undefined && id !== undefined) {
    const asked = JSON.stringify(id);
    stream(response, name);
    session.waiting.set(asked, response);
    response.on("close", () => session.waiting.get(asked) === response && session.waiting.delete(asked));
  } else {
    response.writeHead(202).end();
  }
  session.child.stdin.write(body + "\n");
}

const server = createServer((request, response) => {
  const name = request.headers["mcp-session-id"];
  const session = sessions.get(name);
  if (request.method === "POST") {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => post(name, response, Buffer.concat(chunks).toString()));
  } else if (request.method === "DELETE") {
    session?.child.stdin.end();
    sessions.delete(name);
    response.writeHead(200).end();
  } else if (!session) {
    response.writeHead(405).end();
  } else {
    stream(response, name);
    session.standing = response;
    response.on("close", () => setTimeout(() => session.standing === response && session.child.stdin.end(), 5000));
  }
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(`http://127.0.0.1:${server.address().port}/mcp`)));
process.stdin.on("end", () => process.exit(0)).resume();
