// Preloaded into the GitHub server, which has no setting for the API's address: its requests go to loopback.
const real = globalThis.fetch;
globalThis.fetch = (url, options) => real(String(url).replace("https://api.github.com", process.env.RECORDER_API), options);
