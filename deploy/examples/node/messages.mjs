// The messages of mas4h, read from proto/ when the program starts. Numbers of 64 bits become strings:
// they do not fit a JavaScript number.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const proto =
  process.env.MAS4H_PROTO ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "proto");
const root = new protobuf.Root();
root.resolvePath = (from, path) => (path.startsWith("mas4h/") ? join(proto, path) : path);
await root.load(
  ["authorize", "event", "command", "slot"].map((name) => `mas4h/v1/${name}.proto`), { keepCase: true });

const type = (name) => root.lookupType(`mas4h.v1.${name}`);
const plain = { longs: String, enums: String, defaults: true, arrays: true, oneofs: true };

export const decode = (name, bytes) => type(name).toObject(type(name).decode(bytes), plain);
export const encode = (name, object) => type(name).encode(type(name).fromObject(object)).finish();
