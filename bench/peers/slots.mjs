// The peer of the gateway: slots over WebSocket as one would write it with npm's ws, nats and protobufjs. It asks the same
// masters by the same message, and does nothing else: no checks, no limits, no pings, no log.
// usage: node slots.mjs NATS_URL PROTO_FOLDER; prints its port
import { join } from "node:path";
import { connect } from "nats";
import protobuf from "protobufjs";
import { WebSocketServer } from "ws";

const [url, proto] = process.argv.slice(2);
const root = new protobuf.Root();
root.resolvePath = (from, path) => (path.startsWith("mas4h/") ? join(proto, path) : path);
await root.load("mas4h/v1/dispatch.proto", { keepCase: true });
const Request = root.lookupType("mas4h.v1.DispatchRequest");
const Reply = root.lookupType("mas4h.v1.DispatchReply");
const nats = await connect({ servers: url });

const time = ({ seconds, nanos }) => new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString();

async function answer(socket, text) {
  const { request_id, region, client_key } = JSON.parse(text);
  try {
    const asked = Request.encode({ request_id, region, client_key }).finish();
    const { data } = await nats.request("mas4h.v1.rpc.dispatch", asked, { timeout: 2000 });
    const { slot, problem } = Reply.decode(data);
    const result = slot ? { slot: { ...slot, expires_at: time(slot.expires_at) } } : { error: problem };
    socket.send(JSON.stringify({ request_id, ...result }));
  } catch (error) {
    socket.send(JSON.stringify({ request_id, error: { detail: error.message } }));
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096 });
server.on("connection", (socket) => {
  socket.on("message", (data) => answer(socket, data));
  socket.on("error", () => {});
});
server.on("listening", () => console.log(server.address().port));
