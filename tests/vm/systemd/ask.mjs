// Asks a held session and prints what it answers.
import { connect } from "node:net";

const [socket, tool, given] = process.argv.slice(2);
const peer = connect(socket);
peer.setTimeout(60_000, () => process.exit(1));
peer.write(JSON.stringify([tool, JSON.parse(given)]) + "\n");
peer.pipe(process.stdout);
