// Asks a gateway for slots over one WebSocket, all at once, and writes each answer as a line of JSON
// in the order in which they come. In protobuf the same: --subprotocol mas4h.slot.v1.protobuf.
//
//     node slots.mjs --gateway http://127.0.0.1:8080 --region eu --count 3
import { parseArgs } from "node:util";
import WebSocket from "ws";
import { decode, encode } from "./messages.mjs";

const { values: given } = parseArgs({
  options: {
    gateway: { type: "string", default: "http://127.0.0.1:8080" },
    token: { type: "string" },
    region: { type: "string", default: "" },
    count: { type: "string", default: "1" },
    subprotocol: { type: "string", default: "mas4h.slot.v1.json" },
  },
});
const isBinary = given.subprotocol.endsWith(".protobuf");
const count = Number(given.count);
const socket = new WebSocket(`${given.gateway.replace(/^http/, "ws")}/v1/slots`, given.subprotocol, {
  headers: given.token ? { Authorization: `Bearer ${given.token}` } : {},
});

const write = (request) => (isBinary ? encode("SlotMessage", { request }) : JSON.stringify(request));
const read = (data) => (isBinary ? decode("SlotMessage", data) : JSON.parse(data.toString()));

let answers = 0;
socket.on("open", () => {
  for (let i = 1; i <= count; i++) socket.send(write({ request_id: `${i}`, region: given.region }));
});
socket.on("message", (data) => {
  const message = read(data);
  console.log(JSON.stringify(message));
  // A notice comes unasked: the slave of a slot begins to drain.
  if (message.notice || message.drain_notice) return;
  answers++;
  if (answers === count) socket.close(1000);
});
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
socket.on("close", (code) => {
  if (code !== 1000) {
    console.error(`closed with ${code}`);
    process.exitCode = 1;
  }
});
