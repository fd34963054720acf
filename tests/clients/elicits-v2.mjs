// The official TypeScript SDK 2.x as a client of revision 2026-07-28 whose person is asked in the answer to its call.
// Usage: node elicits-v2.mjs NODE_MODULES ANSWER TOOL ARGUMENTS COMMAND…   prints {"protocol", "asked", "text", "isError"}.
// ANSWER: approve, refuse, decline or cancel. `asked` is null if the person was not asked.

import { createRequire } from "node:module";

const [modules, answer, tool, given, command, ...args] = process.argv.slice(2);
const require = createRequire(`${modules}/here.js`);
const { Client } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const answers = {
  approve: { action: "accept", content: { approve: true } },
  refuse: { action: "accept", content: { approve: false } },
  decline: { action: "decline" },
  cancel: { action: "cancel" },
};
const options = { versionNegotiation: { mode: "auto" }, capabilities: { elicitation: { form: {} } } };
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
const client = new Client({ name: "elicits-v2", version: "1" }, options);
let asked = null;
client.setRequestHandler("elicitation/create", async ({ params }) => {
  asked = params.message;
  return answers[answer];
});
await client.connect(transport);
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
const protocol = client.getNegotiatedProtocolVersion();
await client.close();
console.log(JSON.stringify({ protocol, asked, text: result.content[0].text, isError: result.isError ?? false }));
