// All tunnels of the cluster, kept by an outsider: snapshot and events, as proto/README.md tells it. Writes a
// line of JSON whenever a slave's load event confirms the picture of it:
//
//     {"slave_id": "slave-1", "epoch": "...", "seq": "17", "tunnels": [{"client_key": ...}, ...]}
//
// Needs no JetStream: what is missed shows as a gap in seq, or as a digest that disagrees, and a snapshot heals it.
import { connectAs, options } from "./options.mjs";
import { decode, encode } from "./messages.mjs";

const MASK = (1n << 64n) - 1n;
const nats = await connectAs("example-state", options());
const slaves = new Map(); // by slave_id

function numberOf(tunnelId) {
  let z = (BigInt(`0x${tunnelId}`) + 0x9e3779b97f4a7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

const digestOf = (tunnels) => [...tunnels.keys()].reduce((sum, id) => sum ^ numberOf(id), 0n);

function beginEpoch(slave, epoch) {
  Object.assign(slave, { epoch, seq: 0n, tunnels: new Map(), synced: false, kept: [] });
}

function apply(slave, event) {
  slave.seq = BigInt(event.seq);
  if (event.connect) slave.tunnels.set(event.connect.tunnel.tunnel_id, event.connect.tunnel);
  if (event.disconnect) slave.tunnels.delete(event.disconnect.tunnel_id);
  if (event.stop) slave.tunnels.clear();
}

async function snapshotPage(slaveId, snapshotId, page) {
  const request = encode("SnapshotRequest", { snapshot_id: snapshotId, page });
  const answer = await nats.request(`mas4h.v1.slave.${slaveId}.snapshot`, request, { timeout: 5000 });
  const reply = decode("SnapshotReply", answer.data);
  if (reply.problem) throw new Error(reply.problem.detail);
  return reply.page;
}

async function takeSnapshot(slaveId) {
  const tunnels = new Map();
  let page = await snapshotPage(slaveId, "0", 0);
  const first = page;
  for (;;) {
    for (const tunnel of page.tunnels) tunnels.set(tunnel.tunnel_id, tunnel);
    if (page.last) return { epoch: BigInt(first.epoch), seq: BigInt(first.seq), tunnels };
    page = await snapshotPage(slaveId, first.snapshot_id, page.page + 1);
  }
}

// One at a time for each slave. Events go on to arrive meanwhile, and are kept.
async function resync(slaveId, slave) {
  if (slave.asking) return;
  slave.asking = true;
  slave.synced = false;
  try {
    const snapshot = await takeSnapshot(slaveId);
    const kept = slave.kept;
    beginEpoch(slave, snapshot.epoch);
    Object.assign(slave, { seq: snapshot.seq, tunnels: snapshot.tunnels, synced: true });
    for (const event of kept)
      if (BigInt(event.epoch) === slave.epoch && BigInt(event.seq) > slave.seq) {
        if (BigInt(event.seq) !== slave.seq + 1n) slave.synced = false; // asked for again by the next event
        apply(slave, event);
      }
  } catch (error) {
    console.error(`${slaveId}: no snapshot yet: ${error.message}`); // the next load event tries again
  } finally {
    slave.asking = false;
  }
}

function onLoad(slaveId, slave, event) {
  const isLate = BigInt(event.seq) < slave.seq;
  if (isLate) return;
  const agrees =
    slave.synced && BigInt(event.seq) === slave.seq && digestOf(slave.tunnels) === BigInt(event.load.digest);
  if (!agrees) return resync(slaveId, slave);
  const { epoch, seq, tunnels } = slave;
  console.log(
    JSON.stringify({
      slave_id: slaveId,
      epoch: String(epoch),
      seq: String(seq),
      tunnels: [...tunnels.values()],
    }),
  );
}

function onEvent(event) {
  const slaveId = event.slave_id;
  const epoch = BigInt(event.epoch);
  if (!slaves.has(slaveId)) slaves.set(slaveId, { epoch: -1n });
  const slave = slaves.get(slaveId);
  if (epoch < slave.epoch) return; // a process that is gone
  if (epoch > slave.epoch) beginEpoch(slave, epoch);
  if (event.load) return onLoad(slaveId, slave, event);
  if (BigInt(event.seq) <= slave.seq) return; // a duplicate
  if (slave.asking) slave.kept.push(event);
  const isNext = BigInt(event.seq) === slave.seq + 1n;
  if (event.start && isNext) slave.synced = true; // it begins empty
  apply(slave, event);
  if (!isNext || !slave.synced) resync(slaveId, slave);
}

const subscription = nats.subscribe("mas4h.v1.events.>");
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => nats.drain());
for await (const message of subscription) onEvent(decode("Event", message.data));
