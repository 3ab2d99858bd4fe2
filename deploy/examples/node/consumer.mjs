// A durable subscriber: writes each event of the cluster as one line of JSON, and confirms it to JetStream
// when it is written. What happens while this program is away waits in the stream; what was written
// but not confirmed comes once more, with the same event_id, by which whoever stores the events knows it.
//
//     node consumer.mjs --servers nats://127.0.0.1:4222 --durable accounting
import { writeSync } from "node:fs";
import { AckPolicy, DeliverPolicy } from "nats";
import { connectAs, options } from "./options.mjs";
import { decode } from "./messages.mjs";

const given = options();
const nats = await connectAs(given.durable, given);
const jetstream = nats.jetstream();

// The consumer is a thing in the server: made by the first run, found by the next ones.
await (await nats.jetstreamManager()).consumers.add(given.stream, {
  durable_name: given.durable,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  filter_subject: "mas4h.v1.events.>",
  max_ack_pending: 1000,
  ack_wait: 30_000_000_000, // ns
});

const messages = await (await jetstream.consumers.get(given.stream, given.durable)).consume({
  max_messages: 100,
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => messages.stop());

for await (const message of messages) {
  let event;
  try {
    event = decode("Event", message.data);
  } catch (error) {
    console.error(`${message.subject}: not an event: ${error.message}`);
    message.term(); // it would never become one
    continue;
  }
  writeSync(1, `${JSON.stringify({ subject: message.subject, ...event })}\n`);
  message.ack();
}
await nats.drain();
