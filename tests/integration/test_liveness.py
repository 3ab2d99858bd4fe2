"""Devices that vanish without a word, and their return: power that is cut (the client is stopped by
SIGSTOP) and a network that is gone (a link of a network namespace goes down)."""

import contextlib
import os
import random
import signal
import subprocess
import time
import unittest

from cluster import ClusterTestCase, Device, echoes, run, ssh_command, ssh_device, wait_until
from events import Subscriber

TAKEOVER_S = 2
GONE_BY_DEFAULT_S = 45


class Network:
    """A network namespace whose only way is a link to us, which can be cut."""

    def __init__(self):
        number = random.randrange(1, 0x3fff)
        self.name = f"m4h-{os.getpid()}-{number}"
        self.here = f"10.213.{number >> 6}.{number % 64 * 4 + 1}"
        there = f"10.213.{number >> 6}.{number % 64 * 4 + 2}"
        outside = f"m4h{number}"
        run("ip", "netns", "add", self.name)
        try:
            run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            run("ip", "address", "add", f"{self.here}/30", "dev", outside)
            run("ip", "link", "set", outside, "up")
            run("ip", "-n", self.name, "address", "add", f"{there}/30", "dev", "eth0")
            run("ip", "-n", self.name, "link", "set", "eth0", "up")
        except subprocess.CalledProcessError:
            self.remove()
            raise

    def cut(self):
        """Nothing goes through any more, and nobody is told."""
        run("ip", "-n", self.name, "link", "set", "eth0", "down")

    def remove(self):
        run("ip", "netns", "delete", self.name)


def network_or_skip(test):
    try:
        network = Network()
    except (OSError, subprocess.CalledProcessError) as problem:
        test.skipTest(f"no network namespaces here: {getattr(problem, 'output', problem)}")
    test.addCleanup(network.remove)
    return network


class Vanishing(ClusterTestCase):
    options = ("--slaves", "2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for slave in cls.cluster.slaves:  # reachable from the namespaces, too
            slave.command.write_text(slave.command.read_text().replace(
                "device.listen=127.0.0.1:", "device.listen=0.0.0.0:"))
            slave.restart_as_child()

    def setUp(self):
        self.cluster.wait_until_ready()
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)
        self.limit_s = TAKEOVER_S * (5 if self.cluster.is_sanitized else 1)

    def key(self, name):
        return self.cluster.dir / f"{name}.key"

    def connect_in(self, network, name, slave):
        """A device behind that network."""
        key = self.cluster.make_key(name)
        slot = {**self.cluster.slot_on(slave), "host": network.here}
        device = Device(["ip", "netns", "exec", network.name, *ssh_command(
            self.cluster, slot, key, "-N", "-T", "-R", "0:127.0.0.1:9")])
        self.addCleanup(device.stop)
        self.assertTrue(device.port)
        wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    def stop_power(self, device):
        os.kill(device.process.pid, signal.SIGSTOP)
        self.addCleanup(self.restore_power, device)

    def restore_power(self, device):
        with contextlib.suppress(ProcessLookupError):
            os.kill(device.process.pid, signal.SIGCONT)

    def assert_gone(self, name, port, seconds):
        disconnect = self.subscriber.wait_for("disconnect", name, seconds)
        self.assertIn(self.subscriber.reason_name(disconnect),
                      ("DISCONNECT_REASON_KEEPALIVE_TIMEOUT", "DISCONNECT_REASON_CONNECTION_LOST"))
        wait_until(lambda: self.cluster.tunnel(name) is None, 5, f"REST forgetting {name}")
        self.assertFalse(echoes(port))

    def come_back(self, name, slave):
        """Its return from elsewhere: works within the limit, and REST shows it then. Returns the tunnel."""
        old = self.cluster.tunnel(name)
        began = time.monotonic()
        device = ssh_device(self.cluster, self.cluster.slot_on(slave), self.key(name), self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        self.assertLess(time.monotonic() - began, self.limit_s)

        def winner():
            tunnel = self.cluster.tunnel(name)
            return tunnel and tunnel["tunnel_id"] != old["tunnel_id"] and tunnel
        tunnel = wait_until(winner, self.limit_s, "REST showing its return")
        self.assertEqual((slave, device.port), (tunnel["slave_id"], tunnel["port"]))
        return tunnel, device

    def assert_stays(self, tunnel, device):
        """After the loser's late end: the winner is shown, and works."""
        shown = self.cluster.tunnel(tunnel["client_key"])
        self.assertEqual(tunnel["tunnel_id"], shown and shown["tunnel_id"])
        self.assertIsNone(device.process.poll())
        self.assertTrue(echoes(tunnel["port"]))


class Takeover(Vanishing):
    """With the defaults: the old connection is taken for alive for 45 s."""

    def test_its_return_to_the_same_slave_takes_over_at_once(self):
        device = self.connect("same", self.cluster.slot_on("slave-1"))
        old = self.cluster.tunnel("same")
        self.stop_power(device)
        tunnel, back = self.come_back("same", "slave-1")
        self.assertEqual(old["port"], tunnel["port"])
        self.subscriber.wait_for("disconnect", "same", where=lambda d: d.tunnel_id == old["tunnel_id"])
        self.restore_power(device)
        device.end()
        self.assert_stays(tunnel, back)

    def test_its_return_to_another_slave_takes_over_at_once(self):
        device = self.connect("other", self.cluster.slot_on("slave-1"))
        old = self.cluster.tunnel("other")
        self.stop_power(device)
        tunnel, back = self.come_back("other", "slave-2")
        self.subscriber.wait_for("disconnect", "other", where=lambda d: d.tunnel_id == old["tunnel_id"])
        self.restore_power(device)
        device.end()
        self.assert_stays(tunnel, back)

    def test_its_return_after_the_network_went_takes_over_at_once(self):
        network = network_or_skip(self)
        for slave, other in (("slave-1", "slave-1"), ("slave-1", "slave-2")):
            with self.subTest(to=other):
                name = f"roams-to-{other}"
                self.connect_in(network, name, slave)
                network.cut()
                old = self.cluster.tunnel(name)
                tunnel, back = self.come_back(name, other)
                self.subscriber.wait_for("disconnect", name, where=lambda d: d.tunnel_id == old["tunnel_id"])
                self.assert_stays(tunnel, back)
                network = network_or_skip(self)

    def test_the_end_of_the_loser_on_a_slave_that_slept_changes_nothing(self):
        device = self.connect("sleeper", self.cluster.slot_on("slave-1"))
        old = self.cluster.tunnel("sleeper")
        pid = self.cluster.slave("slave-1").pid
        os.kill(pid, signal.SIGSTOP)
        try:
            device.stop()
            tunnel, back = self.come_back("sleeper", "slave-2")
        finally:
            os.kill(pid, signal.SIGCONT)
        late = self.subscriber.wait_for("disconnect", "sleeper", where=lambda d: d.tunnel_id == old["tunnel_id"])
        self.assertTrue(late)
        self.assert_stays(tunnel, back)

    def test_power_cuts_in_a_row_are_no_flapping_and_every_return_works(self):
        for name, slaves in (("unsteady", ("slave-1", "slave-1")), ("unsteady-roaming", ("slave-1", "slave-2"))):
            with self.subTest(name=name):
                device = self.connect(name, self.cluster.slot_on(slaves[0]))
                for turn in range(5):
                    self.stop_power(device)
                    _, device = self.come_back(name, slaves[(turn + 1) % 2])
                self.assertEqual([], self.subscriber.of("refuse", name))
                self.assertEqual([], self.subscriber.of("flapping", name))
                self.assertFalse(self.cluster.tunnel(name)["flapping"])

    def test_by_default_a_device_is_gone_within_45_seconds(self):
        network = network_or_skip(self)
        stopped = self.connect("power-cut", self.cluster.slot_on("slave-1"))
        cut = self.connect_in(network, "network-cut", "slave-2")
        began = time.monotonic()
        self.stop_power(stopped)
        network.cut()
        for name, device in (("power-cut", stopped), ("network-cut", cut)):
            self.assert_gone(name, device.port, began + GONE_BY_DEFAULT_S + 1 - time.monotonic())


class Silence(Vanishing):
    """With short keepalives: the same as by default, in less time."""

    environment = {"MAS4H_SLAVE_DEVICE_KEEPALIVE_MS": "1s", "MAS4H_SLAVE_DEVICE_KEEPALIVE_MISSES": "3"}
    gone_s = 4

    def test_a_device_without_power_is_gone_after_three_silent_intervals(self):
        device = self.connect("stopped", self.cluster.slot_on("slave-1"))
        self.stop_power(device)
        self.assert_gone("stopped", device.port, self.gone_s)

    def test_a_device_without_network_is_gone_too(self):
        network = network_or_skip(self)
        quiet = self.connect_in(network, "quiet", "slave-1")
        network.cut()
        self.assert_gone("quiet", quiet.port, self.gone_s)

    def test_a_slave_that_stood_still_ends_no_device_that_lives(self):
        devices = [self.connect(f"patient-{i}", self.cluster.slot_on("slave-1")) for i in range(3)]
        pid = self.cluster.slave("slave-1").pid
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(self.gone_s)  # longer than three silent intervals
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertTrue(all(echoes(device.port) for device in devices))
        self.stop_power(self.connect("dies-later", self.cluster.slot_on("slave-1")))
        self.subscriber.wait_for("disconnect", "dies-later", 2 * self.gone_s)
        for i, device in enumerate(devices):
            self.assertEqual([], self.subscriber.of("disconnect", f"patient-{i}"))
            self.assertTrue(echoes(device.port))

    def test_an_idle_device_that_lives_stays(self):
        device = self.connect("idle", self.cluster.slot_on("slave-1"), options=("-o", "ServerAliveInterval=0"))
        self.stop_power(self.connect("dies", self.cluster.slot_on("slave-1")))
        self.subscriber.wait_for("disconnect", "dies", 2 * self.gone_s)
        self.assertIsNone(device.process.poll())
        self.assertTrue(echoes(device.port))
        self.assertEqual([], self.subscriber.of("disconnect", "idle"))

    def test_a_flapping_key_does_not_keep_a_dead_owner(self):
        """Live devices threw each other out; then the owner's power is cut."""
        key = self.cluster.make_key("mixed")
        slot = self.cluster.slot_on("slave-2")
        for turn in range(4):
            device = ssh_device(self.cluster, slot, key, self.echo.port)
            self.addCleanup(device.stop)
            self.assertTrue(device.port)
        refused = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(refused.stop)
        refused.wait_for("remote port forwarding failed")
        wait_until(lambda: self.cluster.tunnel("mixed"), 5, "REST showing the owner")
        self.stop_power(device)
        self.come_back("mixed", "slave-2")


del Vanishing  # it has no tests of its own

if __name__ == "__main__":
    unittest.main()
