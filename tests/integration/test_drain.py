"""A slave that ends, or drains by command: idle devices leave first and not all at once, those in use
when their last operator is done, at the deadline at the latest; everybody hears how far it is."""

import contextlib
import os
import re
import signal
import threading
import time
import unittest
from datetime import datetime

from cluster import (ROOT, ClusterTestCase, Device, Operator, echoes, run, ssh_device, wait_until)
from events import Subscriber
from own_service import OwnService, StoppedThread

# Between something and our seeing it, on a machine that does other things too.
SLACK_S = 1.5


class LastingOperator(threading.Thread):
    """An operator who sends and receives all the time, for so many seconds or until he is cut."""

    def __init__(self, port, seconds):
        super().__init__(daemon=True)
        self.operator = Operator(port, 10)
        self.until = time.monotonic() + seconds
        self.cut_at = None
        self.was_served = self.operator.echo(b"first")
        self.start()

    def run(self):
        with contextlib.closing(self.operator):
            while time.monotonic() < self.until:
                alive = False
                with contextlib.suppress(OSError):
                    alive = self.operator.echo(b"x" * 1000)
                if not alive:
                    self.cut_at = time.monotonic()
                    return
                time.sleep(0.02)


def wall_s(event):
    return event.time.seconds + event.time.nanos / 1e9


class Drain(ClusterTestCase):
    options = ("--slaves", "1")

    def setUp(self):
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)

    def start_slave(self, identity, **drain):
        slave = OwnService(self.cluster, "slave", identity,
                           {"drain": drain, "load": {"interval_ms": "500ms"}})
        self.addCleanup(self.end, slave)
        wait_until(lambda: self.cluster.request("GET", f"/v1/slaves/{identity}")[0] == 200, 10,
                   f"REST showing {identity}")
        return slave

    @staticmethod
    def end(slave):
        with contextlib.suppress(ProcessLookupError):
            slave.stop(signal.SIGKILL)

    def connect_to(self, identity, name):
        device = ssh_device(self.cluster, self.cluster.slot_on(identity),
                            self.cluster.make_key(name), self.echo.port)
        self.addCleanup(device.stop)
        device.port
        wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    def end_at(self, slave):
        """SIGTERM; returns when."""
        now = time.monotonic()
        os.kill(slave.process.pid, signal.SIGTERM)
        return now

    def assert_clean_end(self, slave, seconds):
        self.assertEqual(0, slave.end(seconds)[0], slave.output)
        self.assertIn(" left=0 stopped", slave.output)

    def assert_drained(self, name):
        disconnect = self.subscriber.wait_for("disconnect", name)
        self.assertEqual("DISCONNECT_REASON_DRAINED", self.subscriber.reason_name(disconnect))

    def test_an_operator_is_done_before_the_deadline_and_the_device_leaves_with_him(self):
        slave = self.start_slave("patient", spread_ms="1s", deadline_ms="10s")
        device = self.connect_to("patient", "patient-device")
        operator = LastingOperator(device.port, 6)
        began = self.end_at(slave)
        operator.join(15)
        self.assertIsNone(operator.cut_at, "cut before he was done")
        self.assert_clean_end(slave, 10)
        # Not at the deadline: when he had left.
        self.assertLess(time.monotonic() - began, 6 + SLACK_S)
        self.assert_drained("patient-device")

    def test_who_stays_longer_is_cut_at_the_deadline_and_not_before(self):
        slave = self.start_slave("strict", spread_ms="500ms", deadline_ms="4s")
        device = self.connect_to("strict", "strict-device")
        operator = LastingOperator(device.port, 30)
        began = self.end_at(slave)
        # One who comes meanwhile is served.
        wait_until(lambda: time.monotonic() > began + 2, 5)
        self.assertTrue(echoes(device.port))
        operator.join(15)
        self.assertIsNotNone(operator.cut_at)
        self.assertGreater(operator.cut_at - began, 4 - 0.05)
        self.assertLess(operator.cut_at - began, 4 + SLACK_S)
        self.assert_clean_end(slave, 10)
        self.assert_drained("strict-device")

    def test_idle_devices_leave_within_the_spread_and_not_all_at_once(self):
        slave = self.start_slave("even", spread_ms="3s", deadline_ms="20s")
        names = [f"even-{i}" for i in range(16)]
        for name in names:
            self.connect_to("even", name)
        began = self.end_at(slave)
        self.assert_clean_end(slave, 10)
        self.assertLess(time.monotonic() - began, 3 + SLACK_S)
        start = wall_s(self.subscriber.of("drain")[0])
        left = sorted(wall_s(event) - start for event in self.subscriber.of("disconnect")
                      if event.disconnect.client_key in names)
        self.assertEqual(len(names), len(left))
        self.assertLess(left[-1], 3 + 0.3)
        self.assertGreater(left[-1] - left[0], 1, left)
        at_once = max(sum(1 for other in left if moment <= other < moment + 0.3) for moment in left)
        self.assertLess(at_once, 8, left)

    def test_everybody_hears_how_far_it_is(self):
        slave = self.start_slave("telling", spread_ms="200ms", deadline_ms="7s")
        self.connect_to("telling", "telling-idle")
        device = self.connect_to("telling", "telling-busy")
        operator = LastingOperator(device.port, 5)
        began, began_wall = self.end_at(slave), time.time()
        first = self.subscriber.wait_for("drain")
        self.assertEqual((2, 1), (first.tunnels, first.channels))
        self.assertAlmostEqual(began_wall + 7, first.deadline.seconds, delta=2)
        load = self.subscriber.wait_for("load", where=lambda load: load.drain_deadline.seconds > 0)
        self.assertEqual(first.deadline, load.drain_deadline)

        shown = wait_until(lambda: self.draining("telling"), 5, "REST showing that it drains")
        told = datetime.fromisoformat(shown["drain_deadline"]).timestamp()
        self.assertAlmostEqual(began_wall + 7, told, delta=2)
        self.subscriber.wait_for("drain", where=lambda drain: (drain.tunnels, drain.channels) == (1, 1))
        operator.join(10)
        self.assert_clean_end(slave, 10)
        self.assertLess(time.monotonic() - began, 5 + SLACK_S)
        events = [(e.WhichOneof("payload"), e) for e in self.subscriber.events if e.slave_id == "telling"]
        last = [event for kind, event in events if kind == "drain"][-1]
        self.assertEqual((0, 0), (last.drain.tunnels, last.drain.channels))
        self.assertEqual("stop", [kind for kind, _ in events if kind != "load"][-1])
        self.assertGreaterEqual(len(re.findall(r"tunnels=1 channels=1 .* draining", slave.output)), 2)

    def draining(self, identity):
        slave = self.cluster.get(f"/v1/slaves/{identity}")
        return slave if slave["state"] == "draining" else None

    def test_a_drain_by_command_keeps_the_slave_and_those_in_use_until_the_deadline(self):
        slave = self.start_slave("asked", spread_ms="200ms", deadline_ms="3s")
        device = self.connect_to("asked", "asked-device")
        operator = LastingOperator(device.port, 30)
        began = time.monotonic()
        self.assertEqual(202, self.cluster.request("POST", "/v1/slaves/asked/drain")[0])
        operator.join(10)
        self.assertGreater(operator.cut_at - began, 3 - 0.05)
        self.assertLess(operator.cut_at - began, 3 + SLACK_S)
        self.assert_drained("asked-device")
        wait_until(lambda: "tunnels=0 channels=0" in slave.output, 5, "the log telling that all have left")
        self.assertIsNone(slave.process.poll())
        self.assertIsNotNone(self.draining("asked"))
        began = self.end_at(slave)
        self.assert_clean_end(slave, 10)
        self.assertLess(time.monotonic() - began, SLACK_S)

    def test_a_second_signal_ends_it_at_once_and_nothing_is_left_unsaid(self):
        slave = self.start_slave("hurried", spread_ms="1h", deadline_ms="1h")
        names = [f"hurried-{i}" for i in range(3)]
        devices = [self.connect_to("hurried", name) for name in names]
        LastingOperator(devices[0].port, 30)
        self.end_at(slave)
        self.subscriber.wait_for("drain")
        began = self.end_at(slave)
        self.assert_clean_end(slave, 5)
        self.assertLess(time.monotonic() - began, 1 + SLACK_S)
        self.assert_all_said("hurried", names)

    def assert_all_said(self, identity, names):
        """The end of each, once, and then that the slave stops."""
        wait_until(lambda: any(e.slave_id == identity for e in self.subscriber.of("stop")), 5, "stop")
        kinds = [(e.WhichOneof("payload"), e.disconnect.client_key) for e in self.subscriber.events
                 if e.slave_id == identity and e.WhichOneof("payload") in ("disconnect", "stop")]
        self.assertEqual([("disconnect", name) for name in names], sorted(kinds[:-1]))
        self.assertEqual(("stop", ""), kinds[-1])
        seqs = [e.seq for e in self.subscriber.events
                if e.slave_id == identity and e.WhichOneof("payload") != "load"]
        self.assertEqual(list(range(seqs[0], seqs[0] + len(seqs))), seqs)

    def test_tunnels_of_a_worker_that_stands_still_are_announced_as_gone_before_the_stop(self):
        slave = self.start_slave("stuck", spread_ms="0", deadline_ms="500ms")
        names = [f"stuck-{i}" for i in range(4)]
        for name in names:
            self.connect_to("stuck", name)
        workers = [t for t, name in slave.threads().items() if name.startswith("m4h-worker-")]
        with StoppedThread(workers[0]):
            self.end_at(slave)
            slave.wait_for("worker=0 does not end", 20)
        # It says that something was wrong: a thread of it did not come back in time.
        self.assertEqual(1, slave.end(20)[0])
        self.assert_all_said("stuck", names)


class RestartUnderLoad(ClusterTestCase):
    options = ("--slaves", "3")
    count = 9

    def start_device(self, name):
        """The device's own script, which comes back by itself."""
        settings = {"MAS4H_DEVICE_GATEWAYS": self.cluster.description["gateways"][0]["url"],
                    "MAS4H_DEVICE_PORT": str(self.echo.port), "MAS4H_DEVICE_HOST": "127.0.0.1",
                    "MAS4H_DEVICE_STATE_DIR": str(self.cluster.dir / f"state-{name}")}
        script = ROOT / "deploy" / "device" / "mas4h-device"
        public = run("env", *(f"{key}={value}" for key, value in settings.items()), "sh", str(script),
                     "--public-key")
        self.cluster.authorize(name, next(line for line in public.splitlines() if " AAAA" in line))
        device = Device(["sh", script], settings)
        self.addCleanup(device.stop)
        return device

    def where(self):
        """{device: slave} as REST shows it."""
        return {t["client_key"]: t["slave_id"] for t in self.cluster.get("/v1/tunnels")["tunnels"]}

    def test_devices_come_back_elsewhere_and_operators_finish(self):
        slave = self.cluster.slave("slave-1")
        slave.restart_as_child(MAS4H_SLAVE_DRAIN_SPREAD_MS="2s", MAS4H_SLAVE_DRAIN_DEADLINE_MS="8s")
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        names = [f"load-{i}" for i in range(self.count)]
        devices = {name: self.start_device(name) for name in names}
        wait_until(lambda: len(self.where()) == self.count, 30, "all devices")
        leaving = sorted(name for name, at in self.where().items() if at == "slave-1")
        self.assertGreaterEqual(len(leaving), 2, self.where())
        ports = {name: self.cluster.tunnel(name)["port"] for name in names}
        operators = {name: LastingOperator(ports[name], 4) for name in names if name != leaving[0]}

        slave.kill(signal.SIGTERM)
        self.assertEqual(0, slave.child.returncode)
        for name, operator in operators.items():
            operator.join(15)
            self.assertTrue(operator.was_served)
            self.assertIsNone(operator.cut_at, f"the operator of {name} was cut")
        wait_until(lambda: len(self.where()) == self.count and "slave-1" not in self.where().values(),
                   20, "every device on another slave")
        for name in leaving:
            left = wall_s(subscriber.of("disconnect", name)[0])
            back = wall_s(subscriber.of("connect", name)[-1])
            delay = int(devices[name].wait_for(r"next try in (\d+) s").group(1))
            self.assertEqual(1, len(re.findall("next try in", devices[name].output)))
            self.assertLess(back - left, delay + SLACK_S, name)
            self.assertTrue(echoes(self.cluster.tunnel(name)["port"]))
        slave.start()
        self.connect("load-new", self.cluster.slot_on("slave-1"))


if __name__ == "__main__":
    unittest.main()
