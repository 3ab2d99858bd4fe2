"""Slaves' events on their way to the stream: kill -9 of nats-server in the middle of churn leaves no gap in it."""

import base64
import os
import re
import signal
import unittest
import urllib.request

from cluster import ClusterTestCase, ssh_device, wait_until
from test_stream import jetstream

ROUNDS = 3


class Outbox(ClusterTestCase):
    options = ("--slaves", "2", "--masters", "1", "--gateways", "1")
    environment = {"MAS4H_SLAVE_EVENTS_ACK_WAIT_MS": "500"}

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


if __name__ == "__main__":
    unittest.main()
