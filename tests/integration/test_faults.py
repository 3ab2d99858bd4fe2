"""kill -9 of each part: tunnels of the surviving slaves never notice, and REST is right soon after."""

import os
import re
import signal
import threading
import time
import unittest
import urllib.request

from cluster import ClusterTestCase, Operator, echoes, ssh_device, wait_until
from events import Subscriber

TRUTH_WITHIN_S = 5


class Talker:
    """An operator who talks through one open connection all the while."""

    def __init__(self, port):
        self.operator = Operator(port)
        self.rounds = 0
        self.problem = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self):
        try:
            while not self.ending.wait(0.02):
                if not self.operator.echo(b"round %d" % self.rounds):
                    raise AssertionError("other bytes came back")
                self.rounds += 1
        except (OSError, AssertionError) as problem:
            self.problem = problem

    def goes_on(self):
        before = self.rounds
        wait_until(lambda: self.problem or self.rounds > before + 5, 10, "the talk going on")
        return self.problem is None

    def close(self):
        self.ending.set()
        self.thread.join(10)
        self.operator.close()


class Faults(ClusterTestCase):
    options = ("--slaves", "2", "--masters", "1", "--gateways", "1")

    def setUp(self):
        self.cluster.wait_until_ready()
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)
        self.names = [f"{self._testMethodName[5:45]}-{i}" for i in (1, 2)]
        self.devices = {}
        self.talkers = {}
        for slave, name in zip(("slave-1", "slave-2"), self.names):
            self.devices[slave] = self.connect(name, self.cluster.slot_on(slave))
            self.talkers[slave] = Talker(self.devices[slave].port)
            self.addCleanup(self.talkers[slave].close)

    def shown(self):
        """The client keys of this test's devices that REST lists, with slave and port."""
        try:
            tunnels = self.cluster.get("/v1/tunnels?page_size=500")["tunnels"]
        except (OSError, AssertionError):
            return None
        return {t["client_key"]: (t["slave_id"], t["port"]) for t in tunnels if t["client_key"] in self.names}

    def true_picture(self):
        return {name: (slave, self.devices[slave].port)
                for slave, name in zip(("slave-1", "slave-2"), self.names)}

    def assert_undisturbed(self, *slaves):
        for slave in slaves:
            self.assertTrue(self.talkers[slave].goes_on(), self.talkers[slave].problem)
            self.assertIsNone(self.devices[slave].process.poll())

    def test_master_killed(self):
        self.cluster.masters[0].kill()
        self.assert_undisturbed("slave-1", "slave-2")
        self.cluster.masters[0].start()
        wait_until(lambda: self.shown() == self.true_picture(), TRUTH_WITHIN_S, "REST showing the truth")
        self.assertTrue(self.cluster.get("/v1/cluster")["synced"])
        self.assert_undisturbed("slave-1", "slave-2")
        self.assertTrue(self.cluster.slot()["host_keys"])

    def test_a_device_that_left_while_the_master_was_away_is_not_shown(self):
        self.cluster.masters[0].kill()
        self.devices["slave-2"].stop()
        self.assert_undisturbed("slave-1")
        self.cluster.masters[0].start()
        expected = {self.names[0]: self.true_picture()[self.names[0]]}
        wait_until(lambda: self.shown() == expected, TRUTH_WITHIN_S, "REST showing the truth")

    def test_gateway_killed(self):
        self.cluster.gateways[0].kill()
        self.assert_undisturbed("slave-1", "slave-2")
        self.cluster.gateways[0].start()
        wait_until(lambda: self.shown() == self.true_picture(), TRUTH_WITHIN_S, "REST showing the truth")
        self.assert_undisturbed("slave-1", "slave-2")

    def test_a_slave_killed(self):
        self.cluster.slave("slave-2").kill()
        self.assert_undisturbed("slave-1")
        self.devices["slave-2"].end()
        self.cluster.slave("slave-2").start()
        started = time.monotonic()
        expected = {self.names[0]: self.true_picture()[self.names[0]]}
        wait_until(lambda: self.shown() == expected, TRUTH_WITHIN_S, "REST showing the truth")
        self.assertLess(time.monotonic() - started, TRUTH_WITHIN_S)
        device = ssh_device(self.cluster, self.cluster.slot_on("slave-2"),
                            self.cluster.dir / f"{self.names[1]}.key", self.echo.port)
        self.addCleanup(device.stop)
        self.devices["slave-2"] = device
        self.assertTrue(echoes(device.port))
        wait_until(lambda: self.shown() == self.true_picture(), TRUTH_WITHIN_S, "REST showing it back")
        self.assert_undisturbed("slave-1")

    def test_a_slave_that_stays_away_gets_no_slots_and_its_tunnels_are_lost(self):
        self.cluster.slave("slave-2").kill()
        self.addCleanup(self.cluster.slave("slave-2").start)
        wait_until(lambda: {self.cluster.slot()["slave_id"] for _ in range(4)} == {"slave-1"}, 12,
                   "slots on the living slave alone")
        expected = {self.names[0]: self.true_picture()[self.names[0]]}
        wait_until(lambda: self.shown() == expected, 15, "its tunnels being lost")
        self.assert_undisturbed("slave-1")

    def test_nats_server_killed_for_ten_seconds(self):
        pids = [service.pid for service in self.cluster.services()]
        self.cluster.nats.kill()
        away_until = time.monotonic() + 10
        joins_while_away = self.devices["slave-1"].port
        while time.monotonic() < away_until:
            self.assert_undisturbed("slave-1", "slave-2")
            self.assertTrue(echoes(joins_while_away), "a new operator connection while NATS is away")
        self.devices["slave-2"].stop()
        self.cluster.nats.start()
        expected = {self.names[0]: self.true_picture()[self.names[0]]}
        wait_until(lambda: self.shown() == expected, TRUTH_WITHIN_S, "REST showing the truth")
        self.assert_undisturbed("slave-1")
        wait_until(lambda: self.cluster.request("POST", "/v1/slots", {})[0] == 200, 10,
                   "slots being given again")
        self.assertEqual(pids, [service.pid for service in self.cluster.services()])

    def test_what_came_and_went_while_nats_was_away_is_shown_soon_after(self):
        self.names.append(f"{self.names[0]}-leaves")
        leaver = self.connect(self.names[-1], self.cluster.slot_on("slave-1"))
        slot = self.cluster.slot_on("slave-2")
        self.cluster.nats.kill()
        leaver.stop()
        self.devices["slave-2"].stop()
        back = ssh_device(self.cluster, slot, self.cluster.dir / f"{self.names[1]}.key", self.echo.port)
        self.addCleanup(back.stop)
        self.assertTrue(echoes(back.port))
        self.devices["slave-2"] = back
        self.cluster.nats.start()
        wait_until(lambda: self.shown() == self.true_picture(), TRUTH_WITHIN_S, "REST showing the truth")
        self.assert_undisturbed("slave-1")

    def test_a_known_device_comes_back_while_no_master_can_be_asked(self):
        self.devices["slave-2"].stop()
        slot = self.cluster.slot_on("slave-2")
        self.cluster.masters[0].kill()
        back = ssh_device(self.cluster, slot, self.cluster.dir / f"{self.names[1]}.key", self.echo.port)
        self.addCleanup(back.stop)
        self.assertTrue(echoes(back.port))
        self.cluster.masters[0].start()
        self.devices["slave-2"] = back
        wait_until(lambda: self.shown() == self.true_picture(), TRUTH_WITHIN_S, "REST showing the truth")

    def test_sigterm_ends_each_service_with_status_0(self):
        for service in [*self.cluster.gateways, *self.cluster.masters, *self.cluster.slaves]:
            with self.subTest(service=service.identity):
                service.kill(15)
                service.start()
                service.kill(15)
                self.assertEqual(0, service.child.returncode)
                self.assertFalse(service.command.with_suffix(".ready").exists())
                service.start()

    def test_a_second_sigterm_ends_a_slave_at_once(self):
        slave = self.cluster.slave("slave-2")
        slave.restart_as_child(MAS4H_SLAVE_DRAIN_SPREAD_MS="1h")
        self.addCleanup(slave.restart_as_child)
        for i in (1, 2):
            self.connect(f"lingers-{i}", self.cluster.slot_on("slave-2"))
        os.kill(slave.pid, signal.SIGTERM)
        self.subscriber.wait_for("drain", where=lambda drain: drain.tunnels == 2)
        wait_until(lambda: slave.log_lines("draining"), 5, "the log telling of it")
        self.assertIsNone(slave.child.poll())
        os.kill(slave.pid, signal.SIGTERM)
        slave.child.wait(2)
        wait_until(lambda: self.cluster.tunnel("lingers-1") is None, TRUTH_WITHIN_S, "REST forgetting it")
        self.assert_undisturbed("slave-1")

    def test_a_slave_says_stop_and_its_devices_why_they_end(self):
        self.cluster.slave("slave-2").kill(15)
        self.addCleanup(self.cluster.slave("slave-2").start)
        disconnect = self.subscriber.wait_for("disconnect", self.names[1])
        self.assertEqual("DISCONNECT_REASON_DRAINED", self.subscriber.reason_name(disconnect))
        self.subscriber.wait_for("stop")
        wait_until(lambda: self.names[1] not in (self.shown() or self.names), TRUTH_WITHIN_S, "REST forgetting it")
        self.assert_undisturbed("slave-1")


class ShortOutage(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_AUTHORIZE_TIMEOUT_MS": "15s", "MAS4H_SLAVE_DEVICE_AUTHENTICATE_MS": "20s"}

    def test_a_device_that_nobody_knows_yet_waits_for_nats_to_be_back(self):
        key = self.cluster.make_key("patient")
        slot = self.cluster.slot()
        slave = self.cluster.slaves[0]
        self.cluster.nats.kill()
        wait_until(lambda: slave.log_lines("lost NATS"), 5, "the slave noticing")
        device = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(device.stop)
        wait_until(lambda: self.handshakes(slave) == 1, 5, "its key being proved")
        self.cluster.nats.start()
        self.assertTrue(echoes(device.port))
        self.assertFalse(slave.log_lines("no_master"))

    @staticmethod
    def handshakes(slave):
        with urllib.request.urlopen(slave.described["metrics_url"], timeout=5) as answer:
            found = re.search(r"^mas4h_slave_handshakes (\d+)", answer.read().decode(), re.M)
        return int(found.group(1))


class TwoMasters(ClusterTestCase):
    options = ("--slaves", "1", "--masters", "2")

    def test_one_of_two_masters_is_enough(self):
        self.connect("before")
        self.cluster.masters[0].kill()
        for number in range(20):
            self.assertEqual(200, self.cluster.request("POST", "/v1/slots", {})[0])
            self.assertEqual("before", self.cluster.tunnel("before")["client_key"])
        self.connect("between")
        self.cluster.masters[0].start()
        self.cluster.masters[1].kill()

        def both_shown():
            tunnels = self.cluster.request("GET", "/v1/tunnels")[1].get("tunnels", [])
            return [t["client_key"] for t in tunnels] == ["before", "between"]
        wait_until(both_shown, TRUTH_WITHIN_S, "the other master showing the truth")
        self.connect("after")


if __name__ == "__main__":
    unittest.main()
