// The schema of validators' answers agrees with the answers that the fuzzer's corpus holds: what begins with "bad_"
// is refused, all else is taken, as lib/json/identity_read.c does (tests/unit/json_identity.c).
// usage: node validator_schema.mjs SOURCE
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const source = process.argv[2];
const read = (...path) => readFileSync(join(source, ...path), "utf8");
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false });
addFormats(ajv);
const isAnswer = ajv.compile(JSON.parse(read("deploy", "examples", "validator.schema.json")));
const corpus = join("tests", "fuzz", "corpus", "identity_answer");

for (const name of readdirSync(join(source, corpus))) {
  if (isAnswer(JSON.parse(read(corpus, name))) === name.startsWith("bad_")) {
    console.log(`${name}: ${JSON.stringify(isAnswer.errors)}`);
    process.exitCode = 1;
  }
}
