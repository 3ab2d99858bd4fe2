"""What operators may do at a device's port: where they come from, how many at once, how long in silence
and how fast, as the slave is set and as authorized_keys says of one device; and that a device is told who
they are."""

import contextlib
import os
import re
import socket
import threading
import time
import unittest
import urllib.request
from pathlib import Path

from cluster import ClusterTestCase, Device, Operator, ssh_command, ssh_device, wait_until
from own_service import OwnService

MEGABYTE = 1 << 20


class Rules(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {
        "MAS4H_SLAVE_TUNNEL_OPERATOR_NETWORKS": "127.0.0.0/29",
        "MAS4H_SLAVE_TUNNEL_CHANNELS_MAX": "4",
    }

    def device(self, name, options=""):
        """A device that echoes, whose line in authorized_keys begins with these options."""
        key = self.cluster.make_key(name, authorized=False)
        kind, public = Path(f"{key}.pub").read_text().split()[:2]
        with self.cluster.authorized_keys.open("a") as file:
            file.write(f"{options} {kind} {public} {name}\n".lstrip())
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        return device.port

    def operator(self, port, address="127.0.0.1"):
        operator = Operator.__new__(Operator)
        operator.socket = socket.create_connection(("127.0.0.1", port), 30, (address, 0))
        self.addCleanup(operator.close)
        return operator

    def is_served(self, operator):
        with contextlib.suppress(OSError):
            return operator.echo(b"mas4h")
        return False

    def assert_served(self, port, address="127.0.0.1"):
        self.assertTrue(self.is_served(self.operator(port, address)), address)

    def assert_refused(self, port, address="127.0.0.1"):
        self.assertFalse(self.is_served(self.operator(port, address)), address)

    def metric(self, line):
        url = self.cluster.description["slaves"][0]["metrics_url"]
        text = urllib.request.urlopen(url, timeout=5).read().decode()
        return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.M).group(1))

    def refused(self, reason):
        return self.metric(f'mas4h_slave_operators_refused_total{{reason="{reason}"}}')

    def test_an_operator_from_another_network_is_refused_and_counted(self):
        port = self.device("network")
        before = self.refused("network")
        self.assert_served(port, "127.0.0.5")
        self.assert_refused(port, "127.0.0.9")
        self.assertEqual(before + 1, self.refused("network"))
        self.assertTrue(self.cluster.slaves[0].log_lines("operator=127.0.0.9:", "reason=network"))

    def test_a_device_may_be_open_to_fewer_networks_and_not_to_more(self):
        port = self.device("narrow", 'operators-from="127.0.0.2,127.0.0.9,192.0.2.0/24"')
        self.assert_served(port, "127.0.0.2")
        self.assert_refused(port, "127.0.0.1")
        self.assert_refused(port, "127.0.0.9")

    def expect_room_for(self, count, port):
        operators = [self.operator(port) for _ in range(count)]
        for operator in operators:
            self.assertTrue(self.is_served(operator))
        before = self.refused("channels_max")
        self.assert_refused(port)
        self.assertEqual(before + 1, self.refused("channels_max"))
        operators.pop().close()
        wait_until(lambda: self.is_served(self.operator(port)), 10, "room for another operator")

    def test_a_device_has_so_many_operators_at_once_and_then_room_again(self):
        self.expect_room_for(4, self.device("four"))

    def test_a_master_says_how_many_a_device_may_have(self):
        self.expect_room_for(2, self.device("two", 'max-channels="2"'))

    def test_a_silent_connection_is_closed_and_one_that_talks_is_not(self):
        port = self.device("idle", 'idle-timeout="700ms"')
        patient = self.device("patient")
        silent, talks, elsewhere = self.operator(port), self.operator(port), self.operator(patient)
        for operator in (silent, talks, elsewhere):
            self.assertTrue(self.is_served(operator))
        before, began = self.metric("mas4h_slave_operators_idle_total"), time.monotonic()
        while not self.has_ended(silent):
            self.assertTrue(self.is_served(talks))
            self.assertLess(time.monotonic() - began, 10)
        self.assertGreater(time.monotonic() - began, 0.6)
        self.assertTrue(self.is_served(talks))
        self.assertTrue(self.is_served(elsewhere))
        self.assertEqual(before + 1, self.metric("mas4h_slave_operators_idle_total"))

    def has_ended(self, operator):
        operator.socket.settimeout(0.1)
        try:
            return operator.socket.recv(1) == b""
        except TimeoutError:
            return False

    def test_a_devices_bandwidth_holds_each_way_and_loses_nothing(self):
        port = self.device("slow", 'bandwidth="1m"')
        data = os.urandom(3 * MEGABYTE)
        operator, began = self.operator(port), time.monotonic()
        sender = threading.Thread(target=operator.socket.sendall, args=(data,))
        sender.start()
        self.assertEqual(data, operator.receive(len(data)))
        sender.join(10)
        took = time.monotonic() - began
        self.assertGreater(took, 2.5)
        if not self.cluster.is_sanitized:
            self.assertLess(took, 6)

    def test_two_operators_share_the_bandwidth_and_others_have_theirs(self):
        port, free = self.device("shared", 'bandwidth="1m"'), self.device("free")
        data, took = os.urandom(2 * MEGABYTE), {}

        def talk(name, target):
            operator, began = self.operator(target), time.monotonic()
            sender = threading.Thread(target=operator.socket.sendall, args=(data,))
            sender.start()
            self.assertEqual(data, operator.receive(len(data)))
            sender.join(10)
            took[name] = time.monotonic() - began

        threads = [threading.Thread(target=talk, args=item)
                   for item in (("one", port), ("other", port), ("free", free))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertGreater(max(took["one"], took["other"]), 3.3)
        self.assertLess(took["free"], min(took["one"], took["other"]))


class HeldBack(ClusterTestCase):
    options = ("--slaves", "1")

    def start_slave(self, tunnel):
        slave = OwnService(self.cluster, "slave", "own-slave", {
            "device": {"keepalive_ms": "1000", "keepalive_misses": "3"}, "tunnel": tunnel})
        self.addCleanup(slave.stop)
        wait_until(lambda: self.cluster.request("GET", "/v1/slaves/own-slave")[0] == 200, 10, "the slave")
        return slave

    def start_device(self, name, serve):
        """One that exposes `serve(connection)`, for one operator."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def accept():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    serve(connection)
        threading.Thread(target=accept, daemon=True).start()
        device = Device(ssh_command(self.cluster, self.cluster.slot_on("own-slave"), self.cluster.make_key(name),
                                    "-N", "-T", "-R", f"0:127.0.0.1:{listener.getsockname()[1]}"))
        self.addCleanup(device.stop)
        return device

    @contextlib.contextmanager
    def slow_operator(self, device):
        with socket.socket() as operator:
            operator.settimeout(30)
            operator.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            operator.connect(("127.0.0.1", device.port))
            yield operator

    def pour(self, connection):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(bytes(MEGABYTE))

    def drop(self, connection):
        received = 0
        while data := connection.recv(MEGABYTE):
            received += len(data)
        return received

    def moved(self, slave):
        return sum(value for name, value in slave.metrics().items() if "_bytes_total" in name)

    def wait_for_rest(self, slave):
        moved = [0]

        def is_at_rest():
            moved.append(self.moved(slave))
            time.sleep(0.2)
            return moved[-1] == moved[-2] > 0
        wait_until(is_at_rest, 20, "the bytes coming to rest")

    def read_for(self, operator, seconds):
        operator.settimeout(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                self.assertNotEqual(b"", operator.recv(65536), "the device is gone")

    def test_a_device_that_is_held_back_for_longer_than_its_keepalives_lives(self):
        slave = self.start_slave({"buffer_bytes": "4096"})
        device = self.start_device("held", self.pour)
        with self.slow_operator(device) as operator:
            self.wait_for_rest(slave)
            slave.reload({"tunnel": {"bytes_per_second": "100k"}})
            self.read_for(operator, 10)
        self.assertIsNone(device.process.poll())
        self.assertNotIn("keepalive_timeout", slave.output)

    def test_what_is_kept_for_an_operator_who_is_held_back_outlasts_the_channel(self):
        size, hang_up = 8 * MEGABYTE, threading.Event()
        self.addCleanup(hang_up.set)

        def hear(connection):
            with contextlib.suppress(OSError):
                self.drop(connection)

        def answer(connection):
            threading.Thread(target=hear, args=(connection,), daemon=True).start()
            connection.sendall(bytes(size))
            hang_up.wait(60)
            connection.shutdown(socket.SHUT_RDWR)
        slave = self.start_slave({"buffer_bytes": "16m", "bytes_per_second": "8m"})
        device = self.start_device("hangs-up", answer)
        with self.slow_operator(device) as operator:
            threading.Thread(target=self.pour, args=(operator,), daemon=True).start()
            from_device = "mas4h_slave_received_bytes_total"
            wait_until(lambda: slave.metrics()[from_device] >= size, 30, "the answer")
            hang_up.set()
            self.wait_for_rest(slave)
            self.assertEqual(size, self.drop(operator))


class Named(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_TUNNEL_PROXY_HEADER": "v2"}

    def test_a_device_hears_first_who_the_operator_is(self):
        heard = []

        def serve(listener):
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    heard.append(data)
                connection.sendall(b"done")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            key = self.cluster.make_key("named")
            device = ssh_device(self.cluster, self.cluster.slot(), key, listener.getsockname()[1])
            self.addCleanup(device.stop)
            port, data = device.port, os.urandom(200_000)
            with contextlib.closing(Operator(port)) as operator:
                own_port = operator.socket.getsockname()[1]
                operator.socket.sendall(data)
                operator.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(b"done", operator.receive(4))
        address = socket.inet_aton("127.0.0.1")
        header = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + address + address +
                  own_port.to_bytes(2, "big") + port.to_bytes(2, "big"))
        self.assertEqual(header, b"".join(heard)[:len(header)])
        self.assertEqual(data, b"".join(heard)[len(header):])


if __name__ == "__main__":
    unittest.main()
