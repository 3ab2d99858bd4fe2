// A validator on NATS: masters with `[authorize] validators = service` ask it whose key it is. This one
// reads the answers from a file, {"ssh-ed25519 AAAA...": {"result": "allow", "client_key": "pump-1"}},
// anew for each question; a company's own asks its inventory instead. Run several: they share the work.
//
//     node validator.mjs --servers nats://127.0.0.1:4222 --devices devices.json
//
// With `[service] format = json` the file's answers go out as they are, with `protobuf` (--format
// protobuf) as AuthorizeReply. docs/PROTOCOL.md says what may stand in them.
import { readFileSync } from "node:fs";
import { connectAs, options } from "./options.mjs";
import { decode, encode } from "./messages.mjs";

const given = options({
  subject: { type: "string", default: "mas4h.v1.validate" },
  format: { type: "string", default: "json" },
  devices: { type: "string", default: "devices.json" },
});
const text = (bytes) => Buffer.from(bytes).toString("utf8");

// "ssh-ed25519 AAAA..." of a key as SSH sends it: its first field is its type.
function keyLine(blob) {
  const bytes = Buffer.from(blob, "base64");
  return `${text(bytes.subarray(4, 4 + bytes.readUInt32BE(0)))} ${bytes.toString("base64")}`;
}

function answerTo(publicKey) {
  return JSON.parse(readFileSync(given.devices, "utf8"))[publicKey] ?? { result: "unknown" };
}

function json(data) {
  return Buffer.from(JSON.stringify(answerTo(JSON.parse(text(data)).public_key)));
}

// "Unknown" is a problem with the code NOT_FOUND: the master then asks its next validator.
function protobuf(data) {
  const answer = answerTo(keyLine(decode("AuthorizeRequest", data).public_key));
  if (answer.result === "deny") return encode("AuthorizeReply", { deny: { detail: answer.reason } });
  if (answer.result !== "allow")
    return encode("AuthorizeReply", { problem: { code: "PROBLEM_CODE_NOT_FOUND", detail: "not one of ours" } });
  const labels = Object.entries(answer.labels ?? {}).map(([name, value]) => ({ name, value }));
  return encode("AuthorizeReply", {
    allow: { client_key: answer.client_key, valid_for_ms: answer.valid_for_ms ?? 0, labels },
  });
}

const nats = await connectAs("validator", given);
const questions = nats.subscribe(given.subject, { queue: "validator" });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => nats.drain());
await nats.flush();
console.log(`answers on ${given.subject}`);

for await (const question of questions) {
  try {
    question.respond(given.format === "json" ? json(question.data) : protobuf(question.data));
  } catch (error) {
    console.error(`no answer: ${error.message}`); // the master says that the validator has failed
  }
}
