// For node before 22: the conformance suite imports `globSync` from `fs`, which these do not have, and uses it only in
// commands that are not used here. Usage: node --import glob.mjs …

import { register } from "node:module";

const fs = 'export * from "node:fs"; export const globSync = () => { throw new Error("node 22 is needed"); };';
const hook = `export const resolve = (name, context, next) =>
  name === "fs" && context.parentURL?.includes("/conformance/dist/")
    ? { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(fs)}`)}, shortCircuit: true }
    : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
