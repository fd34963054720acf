// A stdio server that is an HTTP server elsewhere: what the official conformance suite tests clients with is one.
// No message is changed: lines become bodies, bodies and events become lines as they are.
//
// Usage: node outward.mjs URL

import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const url = process.argv[2];
const VERSION = "io.modelcontextprotocol/protocolVersion";
const named = { "tools/call": "name", "prompts/get": "name", "resources/read": "uri" };
const running = new Set();
let session = null;
let revision = null;

function headers(method, params) {
  const all = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const version = params?._meta?.[VERSION] ?? revision;
  if (session) all["mcp-session-id"] = session;
  if (version) all["mcp-protocol-version"] = version;
  if (method) all["mcp-method"] = method;
  if (named[method]) all["mcp-name"] = params[named[method]];
  return all;
}

function hear(line) {
  if (line.trim() === "") return;
  const message = JSON.parse(line);
  revision = message.result?.protocolVersion ?? revision;
  process.stdout.write(line + "\n");
}

async function read(response) {
  if (!response.headers.get("content-type")?.includes("event-stream")) return hear(await response.text());
  const lines = createInterface({ input: Readable.fromWeb(response.body) });
  for await (const line of lines) if (line.startsWith("data:")) hear(line.slice(5).trim());
}

async function say(line) {
  const { method, params } = JSON.parse(line);
  const response = await fetch(url, { method: "POST", headers: headers(method, params), body: line });
  session = response.headers.get("mcp-session-id") ?? session;
  await read(response);
  // What the server says of its own accord comes on a stream that has to be asked for.
  if (method === "notifications/initialized") fetch(url, { headers: headers() }).then((own) => own.ok && read(own)).catch(() => {});
}

for await (const line of createInterface({ input: process.stdin })) {
  const saying = say(line).catch((error) => console.error(error)).finally(() => running.delete(saying));
  running.add(saying);
  // The handshake is over before anything else is said, as on one pipe.
  if (line.includes('"initialize"') || line.includes('"notifications/')) await saying;
}
await Promise.all(running);
process.exit(0);
