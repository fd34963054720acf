// An MCP client over the stdio of a command: one request at a time, nothing but node.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const PATIENCE = 60_000;

export class Client {
  #child;
  #waiting = new Map();
  #next = 0;

  constructor(argv, options = {}) {
    this.#child = spawn(argv[0], argv.slice(1), { stdio: ["pipe", "pipe", "inherit"], ...options });
    this.ended = new Promise((resolve) => this.#child.on("exit", (code, signal) => resolve(signal ?? code)));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      this.#waiting.get(message.id)?.(message);
    });
    this.ended.then((how) => this.#waiting.forEach((resolve) => resolve({ gone: how })));
  }

  #send(message) {
    this.#child.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
  }

  async request(method, params) {
    const id = this.#next++;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#send({ id, method, params });
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer to ${method}`)), PATIENCE).unref());
    const message = await Promise.race([answer, late]);
    if ("gone" in message) throw new Error(`${method}: the server has ended: ${message.gone}`);
    return message;
  }

  async handshake() {
    const clientInfo = { name: "steps", version: "1" };
    const answer = await this.request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    if (!answer.result?.serverInfo) throw new Error(`no handshake: ${JSON.stringify(answer)}`);
    this.#send({ method: "notifications/initialized" });
    return answer.result;
  }

  call(name, given) {
    return this.request("tools/call", { name, arguments: given });
  }

  /** What the puppet's tool came to: `ok`, or the errno by name. */
  async outcome(name, given) {
    const answer = await this.call(name, given);
    const told = answer.result?.content?.[0]?.text;
    if (told === undefined) throw new Error(`no outcome in ${JSON.stringify(answer)}`);
    const done = JSON.parse(told);
    return done.ok ? "ok" : done.errno;
  }

  async close() {
    this.#child.stdin.end();
    return this.ended;
  }
}

export function guarded(policy, workspace, server) {
  return ["mcpguard", "exec", "--policy", policy, "--workspace", workspace, "--", ...server];
}

export function must(holds, what) {
  if (!holds) throw new Error(what);
}
