// The attack list, by a server that attacks: each attack first without the guard, where it must succeed, then with it, where it must be
// denied and nothing of it arrive. What this kernel or an ordinary user cannot do without a guard either is named, and counted apart.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { Client, guarded, must } from "./client.mjs";

const [policy, home] = process.argv.slice(2);
const workspace = `${home}/work`;
const DENIALS = ["EACCES", "EPERM", "ENOSYS", "SIGSYS", "EPROTONOSUPPORT", "EAFNOSUPPORT", "ESOCKTNOSUPPORT"];
const UNSUPPORTED = ["EPERM", "ENOSYS", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EACCES", "EIO", "SIGSEGV", "EINVAL", "ENOENT", "EFAULT"];

let arrived = 0;
const arrival = () => (arrived += 1);
const tcp = createServer(arrival).listen(0, "127.0.0.1");
createServer(arrival).listen(`${home}/stream`);
createServer(arrival).listen("\0mcpguard-steps");
const udp = createSocket("udp4").on("message", arrival).bind(0, "127.0.0.1");
await new Promise((resolve) => udp.on("listening", resolve));
const bait = () => spawn("sleep", ["1000"], { env: { SECRET: "of another process", PATH: process.env.PATH } });

const words = (...numbers) => ({ bytes: Buffer.from(BigUint64Array.from(numbers.map(BigInt)).buffer).toString("hex") });
const zeros = (bytes) => ({ bytes: "00".repeat(bytes) });
const call = (number, ...given) => ["raw", { name: "syscall", arguments: { number, arguments: given } }];
const helper = (name, given = {}) => ["raw", { name, arguments: given }];

// Name: tool and arguments, and what it leaves behind when it succeeds.
const attacks = (victim, guard) => ({
  "reads a private key": [["read", { path: `${home}/.ssh/id_ed25519` }]],
  "reads a denied file inside of a grant": [["read", { path: `${workspace}/closed/secret.txt` }]],
  "reads the environment of another process": [["read", { path: `/proc/${victim.pid}/environ` }]],
  "climbs out of the workspace": [["read", { path: `${workspace}/../.ssh/id_ed25519` }]],
  "climbs out through its root": [["read", { path: `/proc/self/root${home}/.ssh/id_ed25519` }]],
  "writes outside": [["write", { path: `${home}/new.txt`, text: "x" }], () => existsSync(`${home}/new.txt`)],
  "writes beside the workspace": [["write", { path: `${home}/work-evil/new.txt`, text: "x" }], () => existsSync(`${home}/work-evil/new.txt`)],
  "overwrites its policy": [["write", { path: policy, text: "version: 1" }], () => readFileSync(policy, "utf8") === "version: 1"],
  "connects by TCP": [["connect", { host: "127.0.0.1", port: tcp.address().port }], () => arrived > 0],
  "connects by IPv6": [["connect", { host: "::ffff:127.0.0.1", port: tcp.address().port }], () => arrived > 0],
  "sends UDP": [["udp", { host: "127.0.0.1", port: udp.address().port, text: "stolen" }], () => arrived > 0],
  "connects to a unix socket": [["unix", { path: `${home}/stream` }], () => arrived > 0],
  "connects to an abstract socket": [["abstract", { name: "mcpguard-steps" }], () => arrived > 0],
  "connects to the daemon": [["unix", { path: "/run/mcpguard/control.sock" }]],
  "opens a raw socket": [call(41, 2, 3, 1)],
  "opens a packet socket": [call(41, 17, 3, 0)],
  "opens an mptcp socket": [call(41, 2, 1, 262)],
  "kills another process": [["kill", { pid: victim.pid, number: 9 }], () => victim.signalCode === "SIGKILL"],
  "kills its guard": [["kill", { pid: guard, number: 9 }]],
  "kills the daemon": [["kill", { pid: Number(process.env.KEEPER), number: 9 }]],
  "traces another process": [call(101, 0x4206, victim.pid, 0, 0)],
  "reads memory of another process": [helper("process_vm_readv", { pid: victim.pid })],
  "takes a descriptor of another process": [helper("pidfd_getfd", { pid: victim.pid })],
  "executes from memory": [helper("memfd_exec", { by: "proc" })],
  "executes from memory by execveat": [helper("memfd_exec", { by: "execveat" })],
  "executes what it wrote": [["spawn", { argv: [`${workspace}/program`] }]],
  "starts a program that is not granted": [["spawn", { argv: ["/usr/bin/id"] }]],
  "sets up io_uring": [call(425, 8, zeros(120))],
  "unshares a user namespace": [call(272, 0x10000000)],
  "clones into a user namespace": [call(56, 0x10000011, 0, 0, 0, 0)],
  "mounts": [call(165, { text: "none" }, { text: workspace }, { text: "tmpfs" }, 0, 0)],
  "makes a BPF map": [call(321, 0, words(0x400000002, 0x100000004, 0, 0, 0, 0, 0, 0, 0), 72)],
  "asks for an object of the guard": [call(321, 7, words(0, 0, 0), 24)],
  "handles page faults": [call(323, 1)],
  "finds its session keyring": [call(250, 0, -3, 1)],
  "becomes another personality": [call(135, 0x0040000)],
  "leaves its control group": [["write", { path: "/sys/fs/cgroup/cgroup.procs", text: "0" }]],
  "types into a terminal": [helper("tiocsti", { high: 0 })],
});

const puppet = ["node", "/opt/steps/puppet.mjs", "/opt/steps/attack"];
const kept = readFileSync(policy);

/** Tries one attack, and takes away what it left. */
async function tried(client, [[tool, given], effect]) {
  arrived = 0;
  const outcome = await client.outcome(tool, given);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const left = effect?.() ?? false;
  for (const path of [`${home}/new.txt`, `${home}/work-evil/new.txt`]) rmSync(path, { force: true });
  writeFileSync(policy, kept);
  return { outcome, left };
}

async function session(argv) {
  const client = new Client(argv);
  await client.handshake();
  return client;
}

// Without a guard. It would kill this client where it kills its guard.
let victim = bait();
const impossible = new Map();
const bare = await session(puppet);
for (const name of Object.keys(attacks(victim, 0))) {
  if (name === "kills its guard") continue;
  const attack = attacks(victim, 0)[name];
  const { outcome, left } = await tried(bare, attack);
  if (outcome !== "ok") {
    must(UNSUPPORTED.includes(outcome), `${name}: ${outcome} without a guard`);
    impossible.set(name, outcome);
  } else {
    must(attack[1] === undefined || left, `${name}: nothing arrived without a guard: this would prove nothing`);
  }
  if (victim.signalCode !== null) victim = bait();
}
await bare.close();

victim = bait();
const client = await session(guarded(policy, workspace, puppet));
const guard = JSON.parse((await client.call("pids", {})).result.content[0].text).parent;
const all = Object.entries(attacks(victim, guard));
const wrong = [];
for (const [name, attack] of all) {
  const { outcome, left } = await tried(client, attack);
  if (!DENIALS.includes(outcome)) wrong.push(`${name}: ${outcome} with the guard`);
  if (left) wrong.push(`${name}: ${outcome}, but it happened`);
  if (victim.exitCode !== null || victim.signalCode !== null) wrong.push(`${name}: the victim is gone`);
}
must((await client.outcome("read", { path: `${workspace}/inside.txt` })) === "ok", "the workspace is closed");
must((await client.close()) === 0, "the session did not end well");
must(wrong.length === 0, wrong.join("\n"));
impossible.forEach((outcome, name) => console.log(`not possible without a guard either, denied with it: ${name} (${outcome})`));
console.log(`attacks denied: ${all.length}, of which shown to work without a guard: ${all.length - impossible.size - 1}`);
process.exit(0);
