// `fetch.mjs get URL` gets a page by Node's own fetch (undici); `resolve TYPE NAME [SERVER]` asks by c-ares, which
// reads resolv.conf itself; `lookup NAME` by the C library. Prints what comes.

import { Resolver, lookup } from "node:dns/promises";

const [what, ...words] = process.argv.slice(2);

async function resolve([type, name, server]) {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  if (server) resolver.setServers([server]);
  return JSON.stringify(await resolver.resolve(name, type));
}

const ways = {
  get: async ([url]) => (await fetch(url, { signal: AbortSignal.timeout(5000) })).text(),
  resolve,
  lookup: async ([name]) => JSON.stringify(await lookup(name, { all: true })),
};

console.log(await ways[what](words));
