"""The stream of events: a master creates it where it is missing, leaves another one alone, and says what
stands against it. Real nats-servers, with JetStream and without."""

import json
import shutil
import socket
import tempfile
import unittest
from pathlib import Path

import test_nats_tls
from cluster import BUILD, Program, wait_until


def jetstream(port, call, body=""):
    """The answer of JetStream's API to a call."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rb") as lines:
        connection.sendall(f'CONNECT {{"verbose":false}}\r\nSUB answer 1\r\nPUB $JS.API.{call} answer {len(body)}\r\n{body}\r\n'.encode())
        for line in lines:
            if line.startswith(b"MSG answer"):
                return json.loads(lines.readline())
    return None


def publish(port, subject, message_id):
    """Sends an event; waits until a stream has it."""
    header = f"NATS/1.0\r\nNats-Msg-Id: {message_id}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rb") as lines:
        connection.sendall(f'CONNECT {{"verbose":false,"headers":true}}\r\nSUB ack 1\r\n'
                           f"HPUB {subject} ack {len(header)} {len(header)}\r\n{header}\r\n".encode())
        for line in lines:
            if line.startswith(b"MSG ack"):
                return json.loads(lines.readline())
    return None


class Stream(unittest.TestCase):
    def setUp(self):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="stream-", dir=parent))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def server(self, *options):
        server = test_nats_tls.NatsServer(self.folder, *options)
        self.addCleanup(server.close)
        return server

    def jetstream_server(self):
        return self.server("-js", "-sd", self.folder / "store")

    def master(self, server, *settings):
        ready = Path(tempfile.mkdtemp(dir=self.folder)) / "ready"
        arguments = [part for setting in (f"nats.url=nats://127.0.0.1:{server.port}", f"run.ready_file={ready}",
                                          "http.listen=127.0.0.1:0", *settings) for part in ("--set", setting)]
        program = Program([BUILD / "bin" / "mas4h-master", *arguments])
        self.addCleanup(test_nats_tls.NatsTls.end, program)
        return program, ready

    def test_it_is_created_as_the_settings_say_and_found_by_the_next_master(self):
        server = self.jetstream_server()
        settings = "events.stream_max_bytes=1M", "events.stream_max_age=1h", "events.stream_storage=memory"
        for _ in range(2):
            self.master(server, *settings)[0].wait_for("the stream of events is there")
        config = jetstream(server.port, "STREAM.INFO.MAS4H_EVENTS")["config"]
        self.assertEqual((1 << 20, 3600 * 10**9, "memory", 1),
                         tuple(config[key] for key in ("max_bytes", "max_age", "storage", "num_replicas")))
        self.assertIn("mas4h.v1.events.*.*.connect", config["subjects"])
        self.assertNotIn("mas4h.v1.events.*.*.load", config["subjects"])

    def test_one_with_other_settings_is_left_as_it_is(self):
        server = self.jetstream_server()
        self.master(server, "events.stream_max_bytes=1M")[0].wait_for("the stream of events is there")
        self.master(server, "events.stream_max_bytes=2M")[0].wait_for("has other settings")
        self.assertEqual(1 << 20, jetstream(server.port, "STREAM.INFO.MAS4H_EVENTS")["config"]["max_bytes"])

    def test_one_with_other_settings_is_changed_where_that_is_allowed(self):
        server = self.jetstream_server()
        self.master(server, "events.stream_max_bytes=1M")[0].wait_for("the stream of events is there")
        program, _ = self.master(server, "events.stream_max_bytes=2M", "events.stream_max_age=2h", "events.stream_update=yes")
        program.wait_for("max_bytes=1048576 wished=2097152.*the stream of events is there")
        config = jetstream(server.port, "STREAM.INFO.MAS4H_EVENTS")["config"]
        self.assertEqual((2 << 20, 7200 * 10**9), (config["max_bytes"], config["max_age"]))
        program, _ = self.master(server, "events.stream_max_bytes=2M", "events.stream_max_age=2h", "events.stream_update=yes",
                                 "events.stream_storage=memory")
        program.wait_for("storage=file.*has other settings")

    def test_one_stream_becomes_that_of_a_region_and_the_global_one_in_one_step(self):
        server = self.jetstream_server()
        self.master(server)[0].wait_for("the stream of events is there")
        program, _ = self.master(server, "events.stream_update=yes", "events.stream_region=eu", "events.sources=eu")
        program.wait_for("stream=MAS4H_EVENTS .*the stream of events is there")
        program.wait_for("stream=MAS4H_EVENTS_EU .*the stream of events is there")
        publish(server.port, "mas4h.v1.events.eu.slave-1.stop", "slave-1:1:1")
        wait_until(lambda: jetstream(server.port, "STREAM.INFO.MAS4H_EVENTS")["state"]["messages"] == 1, 20,
                   "the event in the global stream")

    def test_too_little_room_is_said_and_the_master_is_ready_all_the_same(self):
        program, ready = self.master(self.jetstream_server(), "events.stream_max_bytes=900G")
        program.wait_for("insufficient storage.*JetStream does not create")
        wait_until(ready.exists, 20, "a ready master")

    def test_without_jetstream_the_master_says_so_and_is_ready(self):
        program, ready = self.master(self.server())
        program.wait_for("NATS has no JetStream")
        wait_until(ready.exists, 20, "a ready master")

    def test_a_user_who_may_not_create_it_is_told(self):
        config = self.folder / "nats.conf"
        config.write_text(f"""jetstream {{ store_dir: "{self.folder}/store" }}
            accounts {{ A {{ jetstream: enabled, users: [
              {{ user: m, password: p, permissions {{ publish {{ deny: "$JS.API.>" }} }} }} ] }} }}\n""")
        program, ready = self.master(self.server("-c", config), "nats.user=m", "nats.password=p")
        program.wait_for("may not create the stream of events", 20)
        self.assertIn("Permissions Violation", program.output)
        wait_until(ready.exists, 20, "a ready master")

    def test_the_stream_may_be_in_a_domain_of_another_name(self):
        config = self.folder / "nats.conf"
        config.write_text(f'jetstream {{ store_dir: "{self.folder}/store", domain: hub }}\n')
        server = self.server("-c", config)
        self.master(server, "events.jetstream_domain=hub")[0].wait_for("created.*the stream of events is there")
        self.master(server, "events.jetstream_domain=other")[0].wait_for("NATS has no JetStream")

    def test_no_name_means_hands_off(self):
        server = self.jetstream_server()
        _, ready = self.master(server, "events.stream=")
        wait_until(ready.exists, 20, "a ready master")
        self.assertIn("error", jetstream(server.port, "STREAM.INFO.MAS4H_EVENTS"))


if __name__ == "__main__":
    unittest.main()
