// Holds answers against an OpenAPI 3.1 document: the operation, its status, the headers, the type and the schema of the
// body. A member of a body that the document does not have is a fault too.
// usage: node openapi_answers.mjs DOCUMENT ANSWERS, where each line of ANSWERS is one answer:
//   {"method", "path", "status", "headers": {name: value}, "body": text}, or {"schema": name, "document": ...}
// Prints each fault, and last how many operations and answers were seen: {"operations": [...], "answers": 12}
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const [, , documentPath, answersPath] = process.argv;
const api = JSON.parse(readFileSync(documentPath, "utf8"));
const faults = [];
const seen = new Set();

// What the document does not name may come later, but not from the gateway that it describes. Within a oneOf each
// alternative is closed.
function close(schema) {
  if (Array.isArray(schema)) return schema.map(close);
  if (schema === null || typeof schema !== "object") return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  const isSchemaOfObject = closed.type === "object" && typeof closed.properties === "object";
  if (isSchemaOfObject && closed.additionalProperties === undefined) closed.unevaluatedProperties = false;
  return closed;
}

const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ $id: "api", ...close(api) });

function resolve(node) {
  while (node?.$ref) node = node.$ref.slice(2).split("/").reduce((at, part) => at[part], api);
  return node;
}

const pointer = (...parts) =>
  "api#/" + parts.map((part) => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");

function check(where, reference, value) {
  const validate = ajv.compile({ $ref: reference });
  if (validate(value)) return;
  for (const error of validate.errors) faults.push(`${where}: ${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`);
}

// The template of a path: one that is there literally wins.
function templateOf(path) {
  if (api.paths[path]) return path;
  return Object.keys(api.paths).find((template) =>
    new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path));
}

function locate(template, method, status) {
  const response = api.paths[template][method].responses[status];
  if (!response?.$ref) return ["paths", template, method, "responses", status];
  return response.$ref.slice(2).split("/");
}

function checkHeaders(where, place, response, headers) {
  for (const [name, described] of Object.entries(response.headers ?? {})) {
    const value = headers[name.toLowerCase()];
    if (value === undefined) {
      if (described.$ref || described.required) faults.push(`${where}: the header ${name} is missing`);
      continue;
    }
    const at = described.$ref ? described.$ref.slice(2).split("/") : [...place, "headers", name];
    check(`${where}: header ${name}`, pointer(...at, "schema"), value);
  }
}

function checkBody(where, place, response, { method, headers, body }) {
  const types = Object.keys(response.content ?? {});
  if (types.length === 0 || method === "HEAD") {
    if (body !== "") faults.push(`${where}: a body that the document does not have`);
    return;
  }
  const type = (headers["content-type"] ?? "").split(";")[0];
  const described = types.find((one) => one === type || one === "*/*");
  if (!described) faults.push(`${where}: ${type} is not one of ${types}`);
  else check(where, pointer(...place, "content", described, "schema"), type.endsWith("json") ? JSON.parse(body) : body);
}

function checkAnswer(answer) {
  const { path, status } = answer;
  const method = answer.method === "HEAD" ? "get" : answer.method.toLowerCase();
  const where = `${answer.method} ${path}: ${status}`;
  const template = templateOf(path.split("?")[0]);
  // What is not in the document is answered by problems all the same.
  const operation = template && api.paths[template][method];
  if (!operation) {
    if (status !== 404 && status !== 405) faults.push(`${where}: the document has no such operation`);
    check(where, "api#/components/schemas/Problem", JSON.parse(answer.body));
    return;
  }
  seen.add(`${method.toUpperCase()} ${template}`);
  if (!operation.responses[status]) {
    faults.push(`${where}: the document has no such status there`);
    return;
  }
  const place = locate(template, method, status);
  const response = resolve(operation.responses[status]);
  checkHeaders(where, place, response, answer.headers);
  checkBody(where, place, response, answer);
}

const answers = readFileSync(answersPath, "utf8").trim().split("\n").map((line) => JSON.parse(line));
for (const answer of answers) {
  if (answer.schema) check(answer.schema, `api#/components/schemas/${answer.schema}`, answer.document);
  else checkAnswer(answer);
}
for (const fault of faults) console.log(fault);
console.log(JSON.stringify({ operations: [...seen].sort(), answers: answers.length }));
process.exitCode = faults.length > 0 ? 1 : 0;
