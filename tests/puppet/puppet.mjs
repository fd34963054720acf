// A puppet MCP server in plain Node: it does what the test tells it, attacks included, and reports errno.
//
// It never decides whether an attack should succeed; the test does, once without a guard and once with it.
// Every tool answers with one text item that holds JSON: {"ok": true, ...} or {"ok": false, "errno": "EACCES"}.
//
// Node has no raw system calls. Files, TCP, UDP, unix sockets, signals and processes are attacked by Node itself;
// the tool `raw` starts the helper named by its first argument (attack.c), which the policy must allow by name.

import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { fstatSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { connect as dial } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const helper = process.argv[2];
const received = [];
let nextRequest = 1000;

function out(line) {
  let rest = Buffer.isBuffer(line) ? line : Buffer.from(line + "\n");
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function stream(target) {
  return new Promise((resolve, reject) => {
    const peer = dial(target);
    peer.setTimeout(3000, () => peer.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    peer.on("error", reject);
    peer.on("connect", () => peer.end("stolen", () => resolve({})));
  });
}

function datagram(host, port, text) {
  return new Promise((resolve, reject) => {
    const peer = createSocket("udp4");
    peer.on("error", reject);
    peer.send(text, port, host, (error) => {
      peer.close();
      error ? reject(error) : resolve({});
    });
  });
}

function daemonise(path) {
  // setsid by `detached`; the parent forgets it.
  const source = `let n = 0; setInterval(() => { try { require("fs").writeFileSync(${JSON.stringify(path)}, String(n++)); } catch {}
    if (n > 600) process.exit(0); }, 100);`;
  const child = spawn(process.execPath, ["-e", source], { detached: true, stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("spawn", () => {
      child.unref();
      resolve({ pid: child.pid });
    });
  });
}

function descriptors() {
  const open = [];
  for (let number = 0; number < 256; number += 1) {
    try {
      const { dev: device, ino: inode } = fstatSync(number);
      open.push({ number, device, inode });
    } catch {}
  }
  return { open };
}

function run(argv) {
  const done = spawnSync(argv[0], argv.slice(1), { stdio: ["ignore", "pipe", "pipe"], timeout: 20000 });
  if (done.error) throw done.error;
  return { status: done.signal ? -1 : done.status, signal: done.signal, stdout: done.stdout.toString() };
}

function raw({ name, arguments: given }) {
  // A system call is its number and then its arguments; every other attack has one argument or none.
  const words = name === "syscall" ? [given.number, ...given.arguments] : Object.values(given);
  const done = run([helper, name, ...words.map(word)]);
  if (done.signal) return { ok: false, errno: done.signal };
  return JSON.parse(done.stdout);
}

function word(value) {
  if (typeof value !== "object") return String(value);
  return "bytes" in value ? `bytes:${value.bytes}` : `text:${value.text}`;
}

async function ask({ method, params }) {
  nextRequest += 1;
  out(JSON.stringify({ jsonrpc: "2.0", id: nextRequest, method, params }));
  return { id: nextRequest };
}

const tools = {
  echo: ({ text }) => ({ text }),
  env: () => ({ env: { ...process.env } }),
  pids: () => ({ pid: process.pid, parent: process.ppid }),
  received: () => ({ lines: received }),
  sleep: async ({ ms }) => (await pause(ms), {}),
  big: ({ bytes }) => ({ text: "x".repeat(bytes) }),
  exit: ({ code }) => process.exit(code),
  die: async ({ number }) => (process.kill(process.pid, number), await pause(5000), {}),
  noise: ({ lines }) => (lines.forEach((line) => out(line)), {}),
  ask,
  stderr: ({ text }) => (writeSync(2, text + "\n"), {}),
  fail: ({ text }) => ({ ok: false, errno: "EIO", text }),
  read: ({ path }) => ({ text: readFileSync(path, "utf8").slice(0, 65536) }),
  write: ({ path, text }) => (writeFileSync(path, text), {}),
  connect: ({ host, port }) => stream({ host, port }),
  udp: ({ host, port, text }) => datagram(host, port, text),
  unix: ({ path }) => stream({ path }),
  abstract: ({ name }) => stream({ path: "\0" + name }),
  kill: ({ pid, number }) => (process.kill(pid, number), {}),
  spawn: ({ argv }) => run(argv),
  descriptors,
  daemonise: ({ path }) => daemonise(path),
  raw,
};

async function perform(name, given) {
  try {
    return { ok: true, ...(await tools[name](given)) };
  } catch (error) {
    return { ok: false, errno: error.code ?? "UNKNOWN", text: String(error) };
  }
}

async function answer({ method, params = {} }) {
  if (method === "initialize") {
    const serverInfo = { name: "puppet", version: "1" };
    return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
  }
  if (method === "ping") return {};
  if (method === "tools/list") {
    const inputSchema = { type: "object" };
    return { tools: Object.keys(tools).map((name) => ({ name, description: name, inputSchema })) };
  }
  if (method === "tools/call" && Object.hasOwn(tools, params.name)) {
    const done = await perform(params.name, params.arguments ?? {});
    return { content: [{ type: "text", text: JSON.stringify(done) }], isError: params.name === "fail" };
  }
  return null;
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  received.push(line);
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    continue;
  }
  if (message?.id === undefined || message?.method === undefined) continue;
  const result = await answer(message);
  const error = { code: -32601, message: "no such method or tool" };
  out(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...(result === null ? { error } : { result }) }));
}
process.exit(0);
