"""Two live devices with one key: it is told, and they do not throw each other out all the time."""

import shlex
import time
import unittest
import urllib.request

from cluster import ClusterTestCase, Program, echoes, ssh_command, ssh_device, wait_until
from events import Subscriber

HOLD_S = 3


class Flapping(ClusterTestCase):
    options = ("--slaves", "2")
    environment = {"MAS4H_SLAVE_FLAPPING_HOLD_MS": f"{HOLD_S}s"}

    def setUp(self):
        self.cluster.wait_until_ready()
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)

    def loop_on(self, slave, name):
        """A live device that comes back whenever it is thrown out."""
        command = ssh_command(self.cluster, self.cluster.slot_on(slave), self.cluster.dir / f"{name}.key",
                              "-N", "-T", "-R", f"0:127.0.0.1:{self.echo.port}")
        loop = Program(["bash", "-c", f"while :; do {shlex.join(map(str, command))}; sleep 0.3; done"])
        self.addCleanup(loop.stop)
        return loop

    def evictions(self, name):
        return [e for e in self.subscriber.of("disconnect", name)
                if self.subscriber.reason_name(e.disconnect) == "DISCONNECT_REASON_REPLACED"]

    def flapping_refusals(self, name):
        return [e for e in self.subscriber.of("refuse", name)
                if self.subscriber.reason_name(e.refuse) == "REFUSE_REASON_FLAPPING"]

    def metric(self, slave, name):
        with urllib.request.urlopen(self.cluster.slave(slave).described["metrics_url"], timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def check_flapping(self, name, slaves):
        self.cluster.make_key(name)
        for slave in slaves:
            self.loop_on(slave, name)
        report = self.subscriber.wait_for("flapping", name, 30)
        self.assertGreaterEqual(report.evictions, 3)
        self.assertEqual((60000, HOLD_S * 1000), (report.window_ms, report.hold_ms))
        self.assertTrue(report.remote_address)
        wait_until(lambda: (self.cluster.tunnel(name) or {}).get("flapping"), 10, "REST telling of it")
        self.assertGreaterEqual(self.cluster.get("/v1/cluster")["flapping"], 1)
        wait_until(lambda: any(s.log_lines("flapping", name) for s in self.cluster.slaves), 5, "the log")

        began, before = time.monotonic(), len(self.evictions(name))
        wait_until(lambda: len(self.evictions(name)) >= before + 3, 10 * HOLD_S, "evictions going on")
        took = time.monotonic() - began
        self.assertGreater(took, 2 * HOLD_S * 0.9, "three evictions came too fast")
        self.assertTrue(self.flapping_refusals(name))
        return report

    def test_on_one_slave_it_is_reported_and_evictions_are_held_back(self):
        report = self.check_flapping("twins", ("slave-1", "slave-1"))
        self.assertTrue(report.owner_address)
        self.assertEqual(1, len(self.subscriber.of("flapping", "twins")), "once in a window")
        self.assertGreaterEqual(self.metric("slave-1", "mas4h_slave_flapping_total"), 1)
        self.assertGreaterEqual(self.metric("slave-1", 'mas4h_slave_refusals_total{reason="flapping"}'), 1)

    def test_on_two_slaves_it_is_reported_and_evictions_are_held_back(self):
        self.check_flapping("cousins", ("slave-1", "slave-2"))

    def test_the_owner_works_while_newcomers_are_held_back(self):
        self.cluster.make_key("owner")
        loops = [self.loop_on("slave-1", "owner") for _ in range(2)]
        self.subscriber.wait_for("flapping", "owner", 30)
        before = len(self.evictions("owner"))
        wait_until(lambda: len(self.evictions("owner")) > before, 10 * HOLD_S, "the next eviction")
        port = wait_until(lambda: self.cluster.tunnel("owner"), 5, "REST showing the owner")["port"]
        until = time.monotonic() + HOLD_S - 1
        while time.monotonic() < until:
            self.assertTrue(echoes(port))
        loops[0].stop()
        wait_until(lambda: self.cluster.tunnel("owner") and echoes(port), 10, "the other one being up")

    def test_a_device_that_moves_to_and_fro_by_itself_is_not_held_back(self):
        key = self.cluster.make_key("wanders")
        for turn in range(6):
            slave = f"slave-{turn % 2 + 1}"
            began = time.monotonic()
            device = ssh_device(self.cluster, self.cluster.slot_on(slave), key, self.echo.port)
            self.addCleanup(device.stop)
            self.assertTrue(echoes(device.port))
            self.assertLess(time.monotonic() - began, 10 if self.cluster.is_sanitized else 2)
            device.stop()
            wait_until(lambda: self.cluster.tunnel("wanders") is None, 5, "its end in REST")
        self.assertEqual([], self.subscriber.of("flapping", "wanders"))


if __name__ == "__main__":
    unittest.main()
