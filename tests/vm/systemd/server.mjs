// The real server of npm under its preset: a handshake, its tools, a file of the workspace, and one that is not.
import { Client, guarded, must } from "./client.mjs";

const [script, workspace, outside] = process.argv.slice(2);
const client = new Client(guarded("filesystem", workspace, ["node", script, workspace]));
const { serverInfo } = await client.handshake();
const tools = (await client.request("tools/list", {})).result.tools;
must(tools.length > 5, `few tools: ${JSON.stringify(tools)}`);
const inside = await client.call("read_text_file", { path: `${workspace}/inside.txt` });
must(inside.result?.content?.[0]?.text?.includes("inside"), JSON.stringify(inside));
const written = await client.call("write_file", { path: `${workspace}/fresh.txt`, content: "fresh" });
must(written.result && !written.result.isError, JSON.stringify(written));
const denied = await client.call("read_text_file", { path: outside });
must(denied.error || denied.result?.isError, `it read ${outside}: ${JSON.stringify(denied)}`);
must((await client.close()) === 0, "it did not end well");
console.log(`${serverInfo.name}: ${tools.length} tools`);
