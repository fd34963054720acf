// The official TypeScript SDK 2.x as the client that the official conformance suite tests, on stdio.
// Usage: node suite.mjs NODE_MODULES LAUNCHER URL   LAUNCHER starts the stdio server that stands for the URL.

import { createRequire } from "node:module";

const [modules, launcher, url] = process.argv.slice(2);
const require = createRequire(`${modules}/here.js`);
const { Client } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const modern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION >= "2026-07-28";
const calls = {
  tools_call: [["add_numbers", { a: 5, b: 3 }]],
  "elicitation-sep1034-client-defaults": [["test_client_elicitation_defaults", {}]],
  "sep-2322-client-request-state": ["echo_state", "unrelated", "no_state", "no_result_type"].map((name) => [`test_mrtr_${name}`, {}]),
};

const choice = modern ? { versionNegotiation: { mode: "auto" } } : {};
const capabilities = { elicitation: { form: { applyDefaults: true } } };
const client = new Client({ name: "suite", version: "1" }, { capabilities, ...choice });
const content = scenario.startsWith("sep-2322") ? { confirmed: true } : {};
client.setRequestHandler("elicitation/create", async () => ({ action: "accept", content }));
await client.connect(new StdioClientTransport({ command: "/bin/sh", args: [launcher, url], env: process.env, stderr: "inherit" }));
const { tools } = await client.listTools();
const schema = tools.find(({ name }) => name === "json_schema_2020_12_tool")?.inputSchema;
if (schema) calls[scenario] = [["json_schema_echo", { schema }]];
for (const [name, given] of calls[scenario] ?? []) {
  // The suite looks at what is sent; that the SDK then dislikes an answer (`no_result_type`) is no matter of this test.
  await client.callTool({ name, arguments: given }).catch((error) => console.error(error));
}
await client.close();
