"""Thousands of half-open connections do not keep real devices out, whether they come from the same
address or from another one, and leave nothing behind when they are gone."""

import resource
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path

from cluster import ClusterTestCase, Operator, echoes, ssh_device, wait_until

CROWD = 5000
REOPENS_PER_SECOND = 500
DEVICES = 4


class OverloadTestCase(ClusterTestCase):
    options = ("--slaves", "1")

    def setUp(self):
        self.slot = self.cluster.slot()
        self.slave = self.cluster.slave("slave-1")

    def metric(self, name):
        with urllib.request.urlopen(self.slave.described["metrics_url"], timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " "))

    def refusals(self, reason):
        return self.metric(f'mas4h_slave_refusals_total{{reason="{reason}"}}')

    def begin_attack(self, count=CROWD, kind="stop"):
        program = str(Path(__file__).with_name("half_open.py"))
        attack = subprocess.Popen(
            [sys.executable, program, kind, self.slot["host"], str(self.slot["port"]), str(count),
             str(REOPENS_PER_SECOND)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(attack.wait)
        self.addCleanup(attack.stdout.close)
        self.addCleanup(attack.stdin.close)
        self.assertRegex(attack.stdout.readline(), r"^tried \d+")
        return attack

    def end_attack(self, attack):
        self.assertIsNone(attack.poll(), "the attack ended by itself")
        attack.stdin.close()
        self.assertEqual(0, attack.wait(30))
        wait_until(lambda: self.metric("mas4h_slave_handshakes") == 0, 20, "all strangers gone")

    def come_up(self, name, *options):
        """The seconds that a device needs; it stays up until the test ends. One that is sent away
        comes back, as every device does: on a machine that is busy with an attack even an honest
        handshake may be the one that was silent for longest."""
        key = self.cluster.make_key(name)
        before = time.monotonic()
        port = None
        while port is None:
            device = ssh_device(self.cluster, self.slot, key, self.echo.port, *options)
            self.addCleanup(device.stop)
            try:
                port = device.port
            except AssertionError:
                if time.monotonic() - before > 60:
                    raise
        took = time.monotonic() - before
        self.assertTrue(echoes(port), f"{name} does not answer")
        return took


class SlowLoris(OverloadTestCase):
    def test_real_devices_come_up_while_thousands_of_connections_stay_half_open(self):
        self.come_up("before")
        operator = Operator(self.cluster.tunnel("before")["port"])
        self.addCleanup(operator.close)
        attack = self.begin_attack()
        same = [self.come_up(f"same-{i}") for i in range(DEVICES)]
        other = [self.come_up(f"other-{i}", "-b", f"127.0.0.{i + 2}") for i in range(DEVICES)]
        limit = 30 if self.cluster.is_sanitized else 5
        self.assertLess(max(same + other), limit, f"same address {same}, another {other}")
        self.assertTrue(operator.echo(b"still here"), "an operator of before was cut")
        self.assertLessEqual(self.metric("mas4h_slave_handshakes"), 1000)
        self.assertGreater(self.refusals("overload"), 0)
        self.end_attack(attack)

    def test_no_log_line_for_each_stranger(self):
        before = len(self.slave.log().splitlines())
        began = time.monotonic()
        attack = self.begin_attack(2000)
        self.end_attack(attack)
        lines = len(self.slave.log().splitlines()) - before
        self.assertLess(lines, 60 * (time.monotonic() - began + 1))


class Drip(OverloadTestCase):
    """Nor do those that go on and on, and come to no end."""

    def check(self, count, kind):
        attack = self.begin_attack(count, kind)
        same = [self.come_up(f"same-{kind}-{count}-{i}") for i in range(DEVICES)]
        other = self.come_up(f"other-{kind}-{count}", "-b", "127.0.0.2")
        limit = 30 if self.cluster.is_sanitized else 10
        self.assertLess(max(*same, other), limit, f"same address {same}, another {other}")
        self.assertLessEqual(self.metric("mas4h_slave_handshakes"), 1000)
        self.assertGreater(self.refusals("overload"), 0)
        self.end_attack(attack)

    def test_real_devices_come_up_while_thousands_send_a_byte_now_and_then(self):
        self.check(1500, "bytes")

    def test_and_while_very_many_do(self):
        self.check(CROWD, "bytes")

    def test_real_devices_come_up_while_thousands_send_a_packet_now_and_then(self):
        self.check(1500, "words")

    def test_and_while_very_many_send_packets(self):
        self.check(CROWD, "words")


class WithoutLimitOfSources(OverloadTestCase):
    """All guests together are bounded, too."""

    environment = {"MAS4H_SLAVE_DEVICE_SOURCE_MAX": "0", "MAS4H_SLAVE_DEVICE_UNAUTHENTICATED_MAX": "300"}

    def test_the_ones_silent_for_longest_make_room(self):
        attack = self.begin_attack(2000)
        took = [self.come_up(f"device-{i}") for i in range(DEVICES)]
        self.assertLess(max(took), 30 if self.cluster.is_sanitized else 5)
        self.assertLessEqual(self.metric("mas4h_slave_handshakes"), 302)
        self.assertGreater(self.refusals("overload"), 0)
        self.end_attack(attack)


class WithFewFiles(OverloadTestCase):
    """A process near its limit of files serves who is known."""

    environment = {"MAS4H_SLAVE_DEVICE_SOURCE_MAX": "0"}

    def setUp(self):
        super().setUp()
        script = self.slave.command.read_text()
        if "ulimit -n" not in script:
            first, rest = script.split("\n", 1)
            self.slave.command.write_text(f"{first}\nulimit -n 1040\n{rest}")
            self.slave.restart_as_child()
            self.cluster.wait_until_ready()
            self.slot = self.cluster.slot_on("slave-1")

    def test_strangers_never_take_the_files_of_operators(self):
        self.come_up("before")
        attack = self.begin_attack(2000)
        self.come_up("during")
        operators = [Operator(self.cluster.tunnel("before")["port"]) for _ in range(50)]
        for operator in operators:
            self.addCleanup(operator.close)
            operator.echo(b"hello")
        self.assertLessEqual(self.metric("process_open_fds"), 1040)
        self.assertEqual([], self.slave.log_lines("cannot accept"))
        self.assertGreater(self.refusals("overload"), 0)
        self.end_attack(attack)

    def test_operators_never_take_the_files_of_devices(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        operators = []
        for i in range(5):
            self.come_up(f"host-{i}")
        for i in range(5):  # each within its channels_max
            port = self.cluster.tunnel(f"host-{i}")["port"]
            operators += [Operator(port) for _ in range(240)]
        for operator in operators:
            self.addCleanup(operator.close)
        refused = 'mas4h_slave_operators_refused_total{reason="files"}'
        wait_until(lambda: self.metric("mas4h_slave_operators_total") >= len(operators), 20, "all being accepted")
        self.assertGreater(self.metric(refused), len(operators) / 4)
        self.assertTrue(operators[0].echo(b"let in"))
        for i in range(DEVICES):
            key = self.cluster.make_key(f"late-{i}")
            device = ssh_device(self.cluster, self.slot, key, self.echo.port)
            self.addCleanup(device.stop)
            self.assertTrue(device.port)
        self.assertEqual([], self.slave.log_lines("cannot accept"))
        self.assertTrue(self.slave.log_lines("reason=files", "operator is refused"))


if __name__ == "__main__":
    unittest.main()
