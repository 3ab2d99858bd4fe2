"""Bytes through a tunnel arrive as they were: through rekeys, in both directions at once, for many
operators at a time, and when one side has said all it has to say."""

import contextlib
import os
import socket
import threading
import unittest

from cluster import (ClusterTestCase, Operator, dropbear_device, echoes, send_and_digest, ssh_device,
                     wait_until)

MEGABYTE = 1 << 20


class Relay(ClusterTestCase):
    options = ("--slaves", "1")

    def test_random_data_is_identical_through_rekeys_in_both_directions_at_once(self):
        device = self.connect("rekey", options=("-o", "RekeyLimit=4M"))
        with contextlib.closing(Operator(device.port, 240)) as operator:
            sent, received = send_and_digest(operator, 256 * MEGABYTE)
        self.assertEqual(sent, received)
        self.assertIsNone(device.process.poll())

    def test_random_data_is_identical_through_dropbear(self):
        key = self.cluster.make_dropbear_key("bulk-dropbear")
        device = dropbear_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        with contextlib.closing(Operator(device.port, 120)) as operator:
            sent, received = send_and_digest(operator, 32 * MEGABYTE)
        self.assertEqual(sent, received)

    def test_a_hundred_operators_at_a_time_each_get_their_own_bytes(self):
        device = self.connect("many")
        operators = [Operator(device.port) for _ in range(100)]
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
            slave = self.cluster.slaves[0]
            resident = int(next(line.split()[1] for line in open(f"/proc/{slave.pid}/status")
                                if line.startswith("VmRSS")))
            self.assertLess(resident, 400 * 1024, "the slave keeps what the operator does not read")

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
