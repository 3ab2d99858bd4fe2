"""Slaves' events on their way to the stream: kill -9 of nats-server in the middle of churn leaves no gap in it. Where
there is no stream, or one that refuses, or too little room for what waits, the cluster is right all the same."""

import base64
import json
import os
import re
import signal
import socket
import unittest
import urllib.request

import test_regions
from cluster import ClusterTestCase, Program, ssh_device, wait_until
from test_stream import jetstream

ROUNDS = 3


class Outbox(ClusterTestCase):
    options = ("--slaves", "2", "--masters", "1", "--gateways", "1")
    # Required: with auto, the first events are let go when the stream is made later than they are sent.
    environment = {"MAS4H_SLAVE_EVENTS_ACK_WAIT_MS": "500", "MAS4H_SLAVE_EVENTS_ACKNOWLEDGE": "required"}

    def state(self):
        return jetstream(self.cluster.nats.described["port"], "STREAM.INFO.MAS4H_EVENTS").get("state", {})

    def numbers(self):
        """{(slave, epoch): the seqs that the stream holds}, by the events' ids."""
        found = {}
        for seq in range(1, self.state()["last_seq"] + 1):
            answer = jetstream(self.cluster.nats.described["port"], "STREAM.MSG.GET.MAS4H_EVENTS",
                               '{"seq":%d}' % seq)
            header = base64.b64decode(answer["message"]["hdrs"]).decode()
            slave, epoch, number = re.search(r"Nats-Msg-Id: *(\S+)", header).group(1).split(":")
            found.setdefault((slave, epoch), set()).add(int(number))
        return found

    def outbox(self, slave):
        with urllib.request.urlopen(slave.described["metrics_url"], timeout=5) as answer:
            text = answer.read().decode()
        return {name: float(re.search(rf"^mas4h_slave_{name} (\S+)$", text, re.M).group(1))
                for name in ("outbox_events", "events_total", "events_lost_total", "events_unacknowledged_total")}

    def test_the_stream_has_every_number_after_kill_9_of_nats(self):
        nats = self.cluster.nats
        nats.described["port"] = int(self.cluster.description["nats_url"].rpartition(":")[2])
        self.cluster.wait_until_ready()
        wait_until(self.state, 20, "the stream")
        slots = [self.cluster.slot_on(slave.identity) for slave in self.cluster.slaves]
        keys = [self.cluster.make_key(f"churn-{i}") for i in range(6)]

        def open_all():
            devices = []
            for i, key in enumerate(keys):  # one by one: each writes the file of known hosts
                devices.append(ssh_device(self.cluster, slots[i % 2], key, self.echo.port))
                self.assertTrue(devices[-1].port)
            return devices

        for device in open_all():
            device.stop()
        for _ in range(ROUNDS):
            devices = open_all()
            for device in devices[:3]:
                device.stop()
            before = sum(len(slave.log_lines("tunnel is gone")) for slave in self.cluster.slaves)
            os.kill(nats.pid, signal.SIGSTOP)  # what is sent now is never read
            for device in devices[3:]:
                device.stop()
            wait_until(lambda: sum(len(slave.log_lines("tunnel is gone")) for slave in self.cluster.slaves)
                       >= before + 3, 15, "the ends of three tunnels")
            nats.kill()
            nats.start()
            self.cluster.wait_until_ready()
        for slave in self.cluster.slaves:
            wait_until(lambda: self.outbox(slave)["outbox_events"] == 0, 30, "an empty outbox")
        found = {slave: seqs for (slave, _), seqs in self.numbers().items()}
        for slave in self.cluster.slaves:
            values = self.outbox(slave)
            self.assertEqual(0, values["events_lost_total"])
            missing = set(range(1, int(values["events_total"]) + 1)) - found[slave.identity]
            self.assertEqual(set(), missing, f"missing of {slave.identity}")


class Alone(test_regions.RegionPair, unittest.TestCase):
    """One region only; `jetstream` is what stands in its nats-server's file."""

    jetstream = ""

    def join(self):
        return [self.region("eu", self.jetstream.format(folder=self.folder))]

    def setUp(self):
        super().setUp()
        self.eu = self.regions[0]

    def metric(self, name):
        return self.eu.slave.metrics()[f"mas4h_slave_{name}"]

    def device(self, name):
        device = ssh_device(self.eu, wait_until(self.eu.slot, 10, "a slot"), self.authorize(name), self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(device.port)
        return device

    def wait_until_shown(self, *names):
        wait_until(lambda: set(self.eu.tunnels()) == set(names), 15, f"{names} being the tunnels")


class WithoutJetStream(Alone):
    settings = {"eu": {"slave": {"events": {"ack_wait_ms": 200, "outbox_messages": 16}}}}

    def make_noise(self):
        """A stranger whom the slave refuses: an event."""
        host, _, port = self.eu.slave.address("device").rpartition(":")
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(b"SSH-2.0-noise\r\n" + b"\0\0\0\1" * 64)
            connection.settimeout(5)
            while connection.recv(4096):
                pass

    def test_events_are_let_go_and_what_a_full_outbox_dropped_is_healed_by_a_snapshot(self):
        first = self.device("first")
        slot = self.eu.slot()
        second_key = self.authorize("second")
        second = ssh_device(self.eu, slot, second_key, self.echo.port)
        self.assertTrue(second.port)
        second.stop()
        self.wait_until_shown("first")
        wait_until(lambda: self.metric("outbox_events") == 0, 10, "an empty outbox")
        self.assertGreaterEqual(self.metric("events_unacknowledged_total"), 2)
        self.assertEqual(1, self.eu.slave.output.count("no stream acknowledges events"))

        before = self.eu.master.metrics()['mas4h_master_snapshots_total{result="installed"}']
        self.eu.programs[0].stop(signal.SIGKILL)
        first.stop()
        wait_until(lambda: self.metric("tunnels") == 0, 10, "the end of the first")
        second = ssh_device(self.eu, slot, second_key, self.echo.port)
        self.addCleanup(second.stop)
        self.assertTrue(second.port)
        wait_until(lambda: self.make_noise() or self.metric("events_lost_total") > 8, 15,
                   "the events of both tunnels among what is dropped")
        lost = self.metric("events_lost_total")
        self.eu.programs[0] = Program(self.eu.programs[0].command)
        self.wait_until_shown("second")
        self.assertGreater(self.eu.master.metrics()['mas4h_master_snapshots_total{result="installed"}'], before)
        self.assertEqual(lost, self.metric("events_lost_total"))


class WithAStreamThatRefuses(Alone):
    jetstream = 'jetstream {{ store_dir: "{folder}/store" }}'
    settings = {"eu": {"master": {"events": {"stream": ""}},
                       "slave": {"events": {"acknowledge": "required", "ack_wait_ms": 500}}}}

    def join(self):
        regions = super().join()
        self.size_max(regions[0], "CREATE", 1)
        return regions

    @staticmethod
    def size_max(region, call, size):
        config = {"name": "MAS4H_EVENTS", "subjects": ["mas4h.v1.events.>"], "storage": "file", "max_msg_size": size}
        answer = jetstream(region.port, f"STREAM.{call}.MAS4H_EVENTS", json.dumps(config))
        assert "config" in answer, answer

    def test_events_that_are_too_large_for_it_are_let_go_and_stop_nothing(self):
        device = self.device("first")
        self.wait_until_shown("first")
        wait_until(lambda: self.metric("outbox_events") == 0, 10, "an empty outbox")
        refused = self.metric("events_refused_total")
        self.assertEqual(self.metric("events_total"), refused)
        self.eu.slave.wait_for("the stream never takes these events")

        self.size_max(self.eu, "UPDATE", -1)
        device.stop()
        self.wait_until_shown()
        wait_until(lambda: self.metric("outbox_events") == 0, 10, "an empty outbox")
        self.assertEqual(refused, self.metric("events_refused_total"))
        self.assertEqual(self.metric("events_total") - refused,
                         jetstream(self.eu.port, "STREAM.INFO.MAS4H_EVENTS", '{"subjects_filter":">"}')["state"]["subjects"]
                         .get("mas4h.v1.events.eu.slave-eu.disconnect"))


if __name__ == "__main__":
    unittest.main()
