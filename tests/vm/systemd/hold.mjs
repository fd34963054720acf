// A session that stays: it is asked through a unix socket, one line a question, and answers with the outcome.
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { Client, guarded } from "./client.mjs";

const [policy, workspace, socket] = process.argv.slice(2);
const client = new Client(guarded(policy, workspace, ["node", "/opt/steps/puppet.mjs", "/opt/steps/attack"]));
await client.handshake();
rmSync(socket, { force: true });
createServer((peer) => {
  createInterface({ input: peer }).on("line", async (line) => {
    const [tool, given] = JSON.parse(line);
    const answered = client.outcome(tool, given).catch((error) => `no answer: ${error.message}`);
    peer.end(`${await answered}\n`);
  });
}).listen(socket);
process.exit((await client.ended) === 0 ? 0 : 1);
