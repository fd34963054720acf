// The official TypeScript SDK 1.x as a client whose person is asked: one call, and what became of the question.
// Usage: node elicits.mjs NODE_MODULES ANSWER TOOL ARGUMENTS COMMAND…   prints {"asked", "text", "isError"}.
// ANSWER: approve, refuse, decline or cancel.

import { createRequire } from "node:module";

const [modules, answer, tool, given, command, ...args] = process.argv.slice(2);
const require = createRequire(`${modules}/here.js`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { ElicitRequestSchema } = require("@modelcontextprotocol/sdk/types.js");

const answers = {
  approve: { action: "accept", content: { approve: true } },
  refuse: { action: "accept", content: { approve: false } },
  decline: { action: "decline" },
  cancel: { action: "cancel" },
};
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
const client = new Client({ name: "elicits", version: "1" }, { capabilities: { elicitation: {} } });
let asked = null;
client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
  asked = params.message;
  return answers[answer];
});
await client.connect(transport);
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
await client.close();
console.log(JSON.stringify({ asked, text: result.content[0].text, isError: result.isError ?? false }));
