// The command line of the examples: `--name value`, and for a run in production the files that NATS
// hands out for a user who may only read.
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { connect, credsAuthenticator } from "nats";

export function options(more = {}) {
  return parseArgs({
    options: {
      servers: { type: "string", default: "nats://127.0.0.1:4222" },
      creds: { type: "string" }, // a .creds file
      user: { type: "string" },
      "password-file": { type: "string" },
      "inbox-prefix": { type: "string" }, // for a user that may subscribe to inboxes of its own only
      "tls-ca": { type: "string" },
      stream: { type: "string", default: "MAS4H_EVENTS" },
      durable: { type: "string", default: "example-node" },
      ...more,
    },
  }).values;
}

export function connectAs(name, given) {
  const { servers, creds, user, "inbox-prefix": inboxPrefix, "tls-ca": caFile } = given;
  const slow = setTimeout(() => console.error(`${name}: ${servers} does not answer yet, tries on`), 2000);
  return connect({
    servers: servers.split(","),
    name,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    ...(creds && { authenticator: credsAuthenticator(readFileSync(creds)) }),
    ...(user && { user, pass: readFileSync(given["password-file"], "utf8").trim() }),
    ...(inboxPrefix && { inboxPrefix }),
    ...(caFile && { tls: { caFile } }),
  }).finally(() => clearTimeout(slow));
}
