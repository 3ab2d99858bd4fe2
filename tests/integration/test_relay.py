"""Bytes through a tunnel arrive as they were: through rekeys, in both directions at once, for many
operators at a time, and when one side has said all it has to say."""

import array
import concurrent.futures
import contextlib
import fcntl
import os
import re
import socket
import termios
import threading
import time
import unittest
from pathlib import Path

from cluster import (ClusterTestCase, Operator, dropbear_device, echoes, send_and_digest, ssh_device,
                     wait_until)

MEGABYTE = 1 << 20


def send_zeros(connection, size):
    """Sends so many bytes, and that they were all; whoever leaves earlier does no harm."""
    with contextlib.suppress(OSError):
        for _ in range(size // MEGABYTE):
            connection.sendall(bytes(MEGABYTE))
        connection.shutdown(socket.SHUT_WR)


def count_to_end(connection):
    count = 0
    while data := connection.recv(MEGABYTE):
        count += len(data)
    return count


class Relay(ClusterTestCase):
    options = ("--slaves", "1")

    def bulk_bytes(self):
        return (32 if self.cluster.is_sanitized else 256) * MEGABYTE

    def connect_to(self, name, serve):
        """A device that exposes `serve(connection)`, which runs once for each operator."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        serve(connection)
        threading.Thread(target=accept, daemon=True).start()
        key = self.cluster.make_key(name)
        device = ssh_device(self.cluster, self.cluster.slot(), key, listener.getsockname()[1])
        self.addCleanup(device.stop)
        return device

    def open_files(self):
        return len(os.listdir(f"/proc/{self.cluster.slaves[0].pid}/fd"))

    def resident_bytes(self):
        status = Path(f"/proc/{self.cluster.slaves[0].pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))

    def settled_resident_bytes(self):
        """What it holds once nothing more moves through it."""
        told = {}

        def is_at_rest():
            slave = self.cluster.get("/v1/slaves/slave-1")
            moved = slave["bytes_from_device"], slave["bytes_to_device"]
            loads = told.setdefault(moved, set())
            loads.add(slave["last_seen_at"])
            return moved > (0, 0) and len(loads) > 1
        wait_until(is_at_rest, 40, "the bytes coming to rest")
        return self.resident_bytes()

    def assert_few_megabytes(self, grown):
        if not self.cluster.is_sanitized:
            self.assertLess(grown, 6 * MEGABYTE, "the slave keeps what is not read")

    def test_random_data_is_identical_through_rekeys_in_both_directions_at_once(self):
        device = self.connect("rekey", options=("-o", "RekeyLimit=4M"))
        with contextlib.closing(Operator(device.port, 240)) as operator:
            sent, received = send_and_digest(operator, self.bulk_bytes())
        self.assertEqual(sent, received)
        self.assertIsNone(device.process.poll())

    def test_random_data_is_identical_through_dropbear(self):
        key = self.cluster.make_dropbear_key("bulk-dropbear")
        device = dropbear_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        with contextlib.closing(Operator(device.port, 240)) as operator:
            sent, received = send_and_digest(operator, self.bulk_bytes())
        self.assertEqual(sent, received)

    def test_two_hundred_operators_at_a_time_each_get_their_own_bytes(self):
        device = self.connect("many")
        operators = [Operator(device.port) for _ in range(200)]
        for operator in operators:
            self.addCleanup(operator.close)
        wrong = []

        def talk(operator, number):
            data = bytes([number]) * 100_000
            for _ in range(5):
                sender = threading.Thread(target=operator.socket.sendall, args=(data,))
                sender.start()
                if operator.receive(len(data)) != data:
                    wrong.append(number)
                sender.join()

        threads = [threading.Thread(target=talk, args=(o, n)) for n, o in enumerate(operators)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual([], wrong)

    def test_an_operator_who_has_said_all_still_gets_the_answer(self):
        device = self.connect("half-close")
        data = os.urandom(300_000)
        with contextlib.closing(Operator(device.port)) as operator:
            threading.Thread(
                target=lambda: (operator.socket.sendall(data), operator.socket.shutdown(socket.SHUT_WR))).start()
            self.assertEqual(data, operator.receive(len(data) + 1))

    def test_a_device_that_has_said_all_still_hears(self):
        heard = []

        def serve(listener):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"all I have")
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(65536):
                    heard.append(data)
                heard.append(None)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            key = self.cluster.make_key("first-to-end")
            device = ssh_device(self.cluster, self.cluster.slot(), key, listener.getsockname()[1])
            self.addCleanup(device.stop)
            port = device.port
            thread = threading.Thread(target=serve, args=(listener,), daemon=True)
            thread.start()
            with contextlib.closing(Operator(port)) as operator:
                self.assertEqual(b"all I have", operator.receive(100))
                operator.socket.sendall(b"said afterwards")
                operator.socket.shutdown(socket.SHUT_WR)
                thread.join(15)
        self.assertEqual([b"said afterwards", None], [b"".join(heard[:-1]), heard[-1]])

    def test_an_operator_who_does_not_read_holds_up_nobody_else(self):
        device = self.connect("slow-reader")
        with contextlib.closing(Operator(device.port)) as lazy:
            lazy.socket.settimeout(3)
            with contextlib.suppress(TimeoutError):
                while True:
                    lazy.socket.sendall(bytes(MEGABYTE))
            for _ in range(20):
                self.assertTrue(echoes(device.port, os.urandom(10_000)))

    def test_what_an_operator_does_not_read_waits_at_the_device(self):
        size = 200 * MEGABYTE
        device = self.connect_to("source", lambda connection: send_zeros(connection, size))
        resident = self.resident_bytes()
        with contextlib.closing(Operator(device.port)) as operator:
            self.assertEqual(bytes(1), operator.receive(1))
            self.assert_few_megabytes(self.settled_resident_bytes() - resident)
            self.assertEqual(size - 1, len(operator.receive(size)))

    def test_what_a_device_does_not_read_waits_at_the_operator(self):
        go_on, heard = threading.Event(), []

        def read_late(connection):
            go_on.wait(60)
            heard.append(count_to_end(connection))
        device = self.connect_to("sink", read_late)
        self.addCleanup(go_on.set)
        resident = self.resident_bytes()
        size = 200 * MEGABYTE
        with contextlib.closing(Operator(device.port)) as operator:
            sender = threading.Thread(target=send_zeros, args=(operator.socket, size), daemon=True)
            sender.start()
            self.assert_few_megabytes(self.settled_resident_bytes() - resident)
            go_on.set()
            sender.join(60)
            self.assertEqual(b"", operator.receive(1))
        wait_until(lambda: heard == [size], 10, "the device hearing all")

    def test_a_slow_operator_gets_all_of_a_device_that_has_closed(self):
        size = 8 * MEGABYTE
        device = self.connect_to("brief", lambda connection: send_zeros(connection, size))
        with contextlib.closing(Operator(device.port)) as operator:
            received = 0
            while data := operator.receive(200_000):
                received += len(data)
                time.sleep(0.01)
        self.assertEqual(size, received)

    def test_an_operator_who_still_talks_gets_all_of_a_device_that_has_closed(self):
        size = MEGABYTE

        def answer(connection):
            connection.sendall(bytes(size))
            unsent = array.array("i", [1])
            while unsent[0]:
                fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
                time.sleep(0.01)
        device = self.connect_to("hangs-up", answer)
        with socket.socket() as operator:
            operator.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            operator.settimeout(30)
            operator.connect(("127.0.0.1", device.port))
            threading.Thread(target=send_zeros, args=(operator, 64 * MEGABYTE), daemon=True).start()
            wait_until(lambda: self.cluster.get("/v1/slaves/slave-1")["bytes_from_device"] >= size, 20,
                       "the answer")
            wait_until(lambda: self.cluster.get("/v1/slaves/slave-1")["channels"] == 0, 20, "the end")
            self.assertEqual(size, count_to_end(operator))

    def test_an_operator_who_goes_away_in_mid_stream_harms_nobody(self):
        device = self.connect("leaver")
        stays = Operator(device.port)
        self.addCleanup(stays.close)
        for _ in range(20):
            leaver = Operator(device.port)
            leaver.socket.sendall(os.urandom(200_000))
            leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            leaver.close()
            self.assertTrue(stays.echo(b"still here"))
        wait_until(lambda: self.cluster.get("/v1/slaves/slave-1")["channels"] == 1, 15,
                   "the channels of those who left being gone")

    def test_operators_who_come_and_go_in_any_manner_leave_nothing_behind(self):
        device = self.connect("churn")

        def reset(operator, data):
            operator.socket.sendall(data)
            operator.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        def half_close(operator, data):
            operator.socket.sendall(data)
            operator.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(data, operator.receive(len(data) + 1))
        manners = (
            lambda operator, data: None,
            lambda operator, data: operator.socket.shutdown(socket.SHUT_WR),
            lambda operator, data: operator.socket.sendall(data),
            lambda operator, data: self.assertTrue(operator.echo(data)),
            reset, half_close)
        before = self.open_files()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def come_and_go(number):
                with contextlib.closing(Operator(device.port)) as operator:
                    manners[number % len(manners)](operator, os.urandom(10_000 + 100 * number % 50_000))
            for _ in pool.map(come_and_go, range(600)):
                pass
        wait_until(lambda: self.open_files() <= before, 15, "every connection being closed")
        self.assertIsNone(device.process.poll())

    def test_operators_are_closed_when_the_device_goes(self):
        device = self.connect("goes")
        operator = Operator(device.port)
        self.addCleanup(operator.close)
        self.assertTrue(operator.echo(b"here"))
        device.stop()
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(b"", operator.receive(1))


if __name__ == "__main__":
    unittest.main()
