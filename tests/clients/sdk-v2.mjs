// The official TypeScript SDK 2.x as a client: handshake or discovery, tools/list, one call.
// Usage: node sdk-v2.mjs NODE_MODULES REVISION TOOL ARGUMENTS COMMAND…   prints {"protocol", "tools", "text"}.
// REVISION "auto" probes for the modern era first and falls back to the handshake.

import { createRequire } from "node:module";

const [modules, revision, tool, given, command, ...args] = process.argv.slice(2);
const require = createRequire(`${modules}/here.js`);
const { Client } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const choice = revision === "auto" ? { versionNegotiation: { mode: "auto" } } : { supportedProtocolVersions: [revision] };
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
const client = new Client({ name: "sdk-v2", version: "1" }, choice);
await client.connect(transport);
const { tools } = await client.listTools();
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
const protocol = client.getNegotiatedProtocolVersion();
await client.close();
console.log(JSON.stringify({ protocol, tools: tools.map(({ name }) => name), text: result.content[0].text }));
