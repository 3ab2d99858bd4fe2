// Reads docs/asyncapi.yaml with the reference parser and prints what is wrong with it.
//     node asyncapi.mjs FILE
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { ProtoBuffSchemaParser } from "@asyncapi/protobuf-schema-parser";

const parser = new Parser();
parser.registerSchemaParser(ProtoBuffSchemaParser());
const { document, diagnostics } = await parser.parse(readFileSync(process.argv[2], "utf8"));
const faults = diagnostics.filter(({ severity }) => severity <= 1); // errors and warnings
for (const { message, path } of faults) console.log(`${path.join(".")}: ${message}`);
if (!document || faults.length > 0) process.exit(1);
const payload = JSON.stringify(document.channels().all()[0].messages().all()[0].payload().json());
const events = document.channels().all().filter((channel) => channel.address().startsWith("mas4h.v1.events."));
const missing = events.filter((channel) => !payload.includes(`"${channel.id()}"`));
for (const channel of missing) console.log(`the event has no ${channel.id()}`);
if (missing.length > 0) process.exit(1);
console.log(`${document.channels().all().length} channels`);
