// The official TypeScript SDK 1.x as a client: handshake, tools/list, one call.
// Usage: node sdk-v1.mjs NODE_MODULES REVISION TOOL ARGUMENTS COMMAND…   prints {"protocol", "tools", "text"}.

import { createRequire } from "node:module";

const [modules, revision, tool, given, command, ...args] = process.argv.slice(2);
const require = createRequire(`${modules}/here.js`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
// This SDK always asks for its newest revision; older ones are asked for on the wire.
const send = transport.send.bind(transport);
transport.send = (message) => {
  if (message.method === "initialize") message.params.protocolVersion = revision;
  return send(message);
};
let protocol;
transport.setProtocolVersion = (version) => (protocol = version);

const client = new Client({ name: "sdk-v1", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
await client.close();
console.log(JSON.stringify({ protocol, tools: tools.map(({ name }) => name), text: result.content[0].text }));
