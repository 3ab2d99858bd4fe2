"""Peers that keep to no rule: whatever they do, the slave lives, its memory stays under a cap, another device's
tunnel on the same loop goes on, and the log names them once.

The round trips of the quiet tunnel, and the turns of the loop that took long, are printed and only loosely bounded:
this is no benchmark.
"""

import collections
import contextlib
import os
import random
import re
import socket
import struct
import threading
import time
import unittest
import urllib.request

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cluster import ClusterTestCase, Operator, wait_until
from ssh_wire import (AUTH_REQUEST, CHANNEL_CLOSE, CHANNEL_CONFIRM, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_FAILURE,
                      CHANNEL_OPEN, CHANNEL_REQUEST, DISCONNECT, ECDH_INIT, ECDH_REPLY, IGNORE, KEXINIT, NEWKEYS, POINT,
                      REQUEST_FAILURE, REQUEST_SUCCESS, SERVICE_REQUEST, WINDOW_ADJUST, Client, Wire, cancel_request,
                      channel_data, forward_request, global_request, kexinit, mpint, numbers, packet, take_text, text)

MEGABYTE = 1 << 20
# Above what the slave had before the test, MB; sanitizers keep freed memory.
MEMORY_CAP, MEMORY_CAP_SANITIZED = 48, 400
# A stall of the loop shows in the round trips; this bound only tells a hang from a slow machine.
ROUND_TRIP_MAX_S = 3


def reset(connection):
    """Ends it without a word, and without waiting for one."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Watch(threading.Thread):
    """Round trips of a quiet tunnel, and the memory of the slave, while a test does its worst."""

    def __init__(self, port, pid):
        super().__init__(daemon=True)
        self.operator = Operator(port, 30)
        self.pid = pid
        self.round_trips, self.peak, self.failure = [], 0, None
        self.start_memory = self.memory()
        self.ending = threading.Event()
        self.start()

    def memory(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024 / 1024

    def run(self):
        try:
            while not self.ending.wait(0.004):
                started = time.monotonic()
                if not self.operator.echo(b"quiet"):
                    raise AssertionError("the quiet tunnel gave something else back")
                self.round_trips.append(time.monotonic() - started)
                self.peak = max(self.peak, self.memory() - self.start_memory)
        except (OSError, AssertionError) as error:
            self.failure = repr(error)

    def end(self):
        self.ending.set()
        self.join(40)
        self.operator.close()


class Hostile(ClusterTestCase):
    options = ("--slaves", "1")
    # One loop: whoever holds it holds everybody.
    environment = {"MAS4H_SLAVE_SLAVE_WORKERS": "1", "MAS4H_SLAVE_LOG_LEVEL": "debug",
                   "MAS4H_SLAVE_DEVICE_AUTHENTICATE_MS": "3000", "MAS4H_SLAVE_DEVICE_FORWARD_MS": "3000",
                   "MAS4H_SLAVE_TUNNEL_PORT_MIN": "15000", "MAS4H_SLAVE_TUNNEL_PORT_MAX": "15999",
                   "MAS4H_SLAVE_SLAVE_CAPACITY": "1000"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slot = cls.cluster.slot_on("slave-1")
        cls.slave = cls.cluster.slave("slave-1")
        cls.pid = cls.slave.pid
        cls.key = cls.cluster.make_key("hostile")

    def long_turns(self):
        """How many turns of the slave's loops have taken more than 50 ms, ever: by its own count."""
        with urllib.request.urlopen(self.slave.described["metrics_url"], timeout=20) as answer:
            metrics = answer.read().decode()
        counts = dict(re.findall(r'^mas4h_loop_lag_seconds_bucket\{loop="worker-0",le="([^"]+)"\} (\d+)', metrics, re.M))
        return int(counts["+Inf"]) - int(counts["0.05"])

    def setUp(self):
        self.opened = []
        quiet = self.connect(f"quiet-{self._testMethodName[5:50].replace('_', '-')}", self.slot)
        self.watch = Watch(quiet.port, self.pid)
        self.log_before = len(self.slave.log())
        self.long_turns_before = self.long_turns()

    def tearDown(self):
        for connection in self.opened:
            connection.close()
        self.watch.end()
        trips = sorted(self.watch.round_trips) or [0]
        print(f"{self._testMethodName[5:]}: round trip p50 {trips[len(trips) // 2] * 1000:.1f} ms, "
              f"p99 {trips[len(trips) * 99 // 100] * 1000:.1f} ms, longest {trips[-1] * 1000:.0f} ms; "
              f"turns of more than 50 ms: {self.long_turns() - self.long_turns_before}; memory +{self.watch.peak:.1f} MB", flush=True)
        self.assertIsNone(self.watch.failure)
        self.assertEqual(self.pid, self.slave.pid)
        os.kill(self.pid, 0)
        self.assertLess(trips[-1], ROUND_TRIP_MAX_S)
        self.assertLess(self.watch.peak, MEMORY_CAP_SANITIZED if self.cluster.is_sanitized else MEMORY_CAP)

    # --- peers ---

    def keep(self, connection):
        self.opened.append(connection)
        return connection

    def wire(self, name="SSH-2.0-wire"):
        return self.keep(Wire(self.slot["host"], self.slot["port"], name))

    def client(self):
        return self.keep(Client(self.slot["host"], self.slot["port"]))

    def known(self):
        client = self.client()
        client.request_service()
        client.authenticate(self.key)
        return client

    def device(self):
        """One that is up, and its port."""
        client = self.known()
        return client, client.forward()

    def operator(self, port):
        return self.keep(socket.create_connection(("127.0.0.1", port), 20))

    @contextlib.contextmanager
    def until_cut(self):
        """What is sent until the slave ends the connection."""
        with contextlib.suppress(ConnectionError, EOFError):
            yield

    # --- what the log says ---

    def lines(self, *parts):
        lines = self.slave.log()[self.log_before:].splitlines()
        return [line for line in lines if all(part in line for part in parts)]

    def assert_ended(self, connection, detail, reason="protocol_error"):
        """It is cut, and one line of the log says whom and what was refused."""
        self.assertTrue(connection.is_closed_within(10), "it is still connected")
        wait_until(lambda: self.lines(connection.address, f"reason={reason}"), 10,
                   f"a line on {connection.address} with reason={reason}")
        refusals = self.lines(f"peer={connection.address} ", "device is refused")
        self.assertEqual(1, len(refusals), refusals)
        self.assertIn(detail, refusals[0])

    def assert_one_line_on(self, addresses):
        """Each has left one word, at the least level, on how it ended; an address may have been used again."""
        for address, times in collections.Counter(addresses).items():
            def ends(address=address):
                return self.lines(f"peer={address} ", "session is over") + self.lines(f"peer={address} ", "refused")
            wait_until(lambda: len(ends()) >= times, 10, f"{times} lines on {address}")
            self.assertEqual(times, len(ends()), ends())

    # --- before the key exchange is done ---

    def test_a_banner_without_end_is_cut(self):
        for junk in (b"A" * 300, b"SSH-2.0-" + b"x" * 70000, b"\0" * 200):
            wire = self.wire(None)
            with self.until_cut():
                wire.socket.sendall(junk)
            self.assert_ended(wire, "")

    def test_a_banner_that_drips_is_cut_at_the_deadline(self):
        wire = self.wire(None)
        with self.until_cut():
            for byte in b"SSH-2.0-slow" * 10:
                wire.socket.sendall(bytes([byte]))
                time.sleep(0.1)  # the drip itself
        self.assert_ended(wire, "not authenticated in time", "timeout")

    def test_packets_of_impossible_length_are_cut(self):
        for length in (0, 1, 3, 262145, 0x7fffffff, 0x80000000, 0xffffffff):
            with self.subTest(length=length):
                wire = self.wire()
                with self.until_cut():
                    wire.socket.sendall(struct.pack(">IB", length, 4) + bytes(64))
                self.assert_ended(wire, "")

    def test_padding_beyond_the_packet_is_cut(self):
        wire = self.wire()
        with self.until_cut():
            wire.socket.sendall(struct.pack(">IB", 12, 255) + bytes(11))
        self.assert_ended(wire, "adding")

    def test_lists_of_algorithms_as_long_as_a_packet_are_borne(self):
        for item in ("a", "x" * 60, "curve25519-sha256"):
            for connection in range(5):
                wire = self.wire()
                wire.line()
                names = ",".join([item] * (24000 // (len(item) + 1)))
                payload = bytes([KEXINIT]) + bytes(16) + text(names) * 10 + bytes(5)
                with self.until_cut():
                    wire.send(payload)
                if item != "curve25519-sha256":
                    self.assertTrue(wire.is_closed_within(10))

    def test_strings_that_lie_about_their_length_are_cut(self):
        for length in (0xffffffff, 0x7fffffff, 262144, 100):
            wire = self.wire()
            with self.until_cut():
                wire.send(bytes([KEXINIT]) + bytes(16) + numbers(length) + b"curve25519-sha256")
            self.assert_ended(wire, "")

    def test_a_point_that_is_none_is_cut(self):
        for point in (b"", b"\x09", bytes(32), b"\xff" * 33, bytes(100000)):
            wire = self.wire()
            with self.until_cut():
                wire.send(kexinit(), bytes([ECDH_INIT]) + text(point))
            self.assertTrue(wire.is_closed_within(10))

    def test_whoever_leaves_in_the_middle_of_a_handshake_leaves_nothing(self):
        init, point = kexinit(strict=False), bytes([ECDH_INIT]) + text(POINT)

        def after_banner(wire):
            wire.line()

        def after_kexinit(wire):
            wire.send(init)
            wire.line()
            wire.receive_until(KEXINIT)

        def inside_a_packet(wire):
            wire.socket.sendall(packet(init)[:100])

        def after_reply(wire):
            wire.send(init, point)
            wire.line()
            wire.receive_until(ECDH_REPLY)

        def after_newkeys(wire):
            wire.send(init, point, bytes([NEWKEYS]))
            wire.line()
            wire.receive_until(NEWKEYS)
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        addresses = []
        for step in (lambda wire: None, after_banner, inside_a_packet, after_kexinit, after_reply, after_newkeys):
            for end in (Wire.close, Wire.reset):
                for _ in range(10):
                    wire = self.wire()
                    addresses.append(wire.address)
                    step(wire)
                    end(wire)
        for step in (lambda client: None, Client.request_service, lambda client: client.send(bytes([DISCONNECT]))):
            for end in (Wire.close, Wire.reset):
                for _ in range(10):
                    client = self.client()
                    addresses.append(client.address)
                    with self.until_cut():
                        step(client)
                    end(client)
        self.assert_one_line_on(addresses)
        wait_until(lambda: len(os.listdir(f"/proc/{self.pid}/fd")) <= files + 2, 10, "the files being closed")

    def test_whoever_leaves_between_key_and_port_leaves_nothing(self):
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        for end in (Wire.close, Wire.reset):
            for _ in range(10):
                end(self.known())
                client = self.known()
                client.send(forward_request())
                end(client)
        wait_until(lambda: len(os.listdir(f"/proc/{self.pid}/fd")) <= files + 2, 10, "the files being closed")
        wait_until(lambda: self.cluster.tunnel("hostile") is None, 10, "the tunnel being gone")

    # --- after it ---

    def test_sealed_packets_of_impossible_length_are_cut(self):
        for length in (0, 5, 262145, 0xfffffff0, 0xffffffff):
            with self.subTest(length=length):
                client = self.client()
                with self.until_cut():
                    client.socket.sendall(numbers(length) + bytes(300))
                self.assert_ended(client, "")

    def test_sealed_packets_with_nothing_or_bad_padding_in_them_are_cut(self):
        for payload, padding in ((b"", 15), (b"", 31), (b"\x02" * 15, 0)):
            client = self.client()
            with self.until_cut():
                client.socket.sendall(client.seal(payload, padding))
                client.socket.sendall(client.seal(bytes([250]), 14))
            if payload == b"" and not client.is_closed_within(4):
                self.fail("it is still connected")

    def test_strings_of_no_and_of_all_length_are_borne(self):
        client = self.client()
        giant = "x" * 200000
        with self.until_cut():
            client.request_service()
            for user, method in (("", ""), (giant, "none"), ("u", giant), ("", "publickey"), (giant, "password")):
                client.send(bytes([AUTH_REQUEST]) + text(user) + text("ssh-connection") + text(method))
        client.is_closed_within(5)
        for payload in (bytes([AUTH_REQUEST]), bytes([AUTH_REQUEST]) + numbers(0xffffffff), bytes([SERVICE_REQUEST]),
                        bytes([SERVICE_REQUEST]) + text(giant)):
            client = self.client()
            with self.until_cut():
                client.send(payload)
            self.assertTrue(client.is_closed_within(10))

    def test_authentication_tried_without_end_is_cut(self):
        client = self.client()
        client.request_service()
        request = bytes([AUTH_REQUEST]) + text("u") + text("ssh-connection") + text("none")
        with self.until_cut():
            client.send(*[request] * 5000)
        self.assert_ended(client, "too many authentication attempts")

    def test_signatures_that_are_wrong_are_not_checked_without_end(self):
        public = ec.generate_private_key(ec.SECP521R1()).public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint)
        blob = text("ecdsa-sha2-nistp521") + text("nistp521") + text(public)

        def request():
            wrong = text(mpint(os.urandom(65)) + mpint(os.urandom(65)))
            return (bytes([AUTH_REQUEST]) + text("u") + text("ssh-connection") + text("publickey") + b"\1" +
                    text("ecdsa-sha2-nistp521") + text(blob) + text(text("ecdsa-sha2-nistp521") + wrong))
        for _ in range(3):
            client = self.client()
            client.request_service()
            with self.until_cut():
                client.send(*[request() for _ in range(2000)])
            self.assert_ended(client, "too many packets without a meaning")

    def test_kerberos_is_not_asked_for_a_stranger(self):
        client = self.client()
        client.request_service()
        oid = bytes.fromhex("06092a864886f712010202")
        request = (bytes([AUTH_REQUEST]) + text("u") + text("ssh-connection") + text("gssapi-with-mic") + numbers(1) +
                   text(oid))
        client.send(*[request] * 5)
        client.socket.settimeout(1)
        with self.assertRaises(TimeoutError):  # which would answer
            client.receive()
        with self.until_cut():
            client.send(*[request] * 1000)
        self.assert_ended(client, "too many packets without a meaning")

    def test_an_address_as_long_as_a_packet_is_refused(self):
        client = self.known()
        client.send(forward_request("x" * 200000))
        self.assertEqual(REQUEST_FAILURE, client.receive()[0])
        self.assertGreater(client.forward(), 0)

    def test_forwards_asked_for_without_end_are_cut(self):
        client, _ = self.device()
        with self.until_cut():
            for _ in range(100):
                client.send(*[forward_request()] * 100)
        self.assert_ended(client, "as many ports as a device may have")

    def test_ports_taken_and_given_up_without_end_are_cut(self):
        client, port = self.device()
        other = port + 1
        with self.until_cut():
            for _ in range(2000):
                client.send(forward_request("", other), cancel_request("", other))
                client.receive()
                client.receive()
            self.fail("a port was taken and given up 2,000 times")
        self.assert_ended(client, "too many ports asked for and given up")

    def test_cancels_of_what_is_not_there_are_cut(self):
        client, _ = self.device()
        with self.until_cut():
            for number in range(100):
                client.send(*[cancel_request("", number)] * 100)
        self.assert_ended(client, "too many refused requests")

    def test_global_requests_that_want_no_reply_are_borne(self):
        client, port = self.device()
        client.send(*[global_request("no-such-thing@example.com", False, os.urandom(50))] * 1000)
        client.send(*[global_request("keepalive@openssh.com", False)] * 1000)
        client.send(*[bytes([IGNORE]) + text(os.urandom(100))] * 1000)
        operator = self.operator(port)
        channel = client.accept_channel()
        client.send(channel_data(channel, b"still here"))
        self.assertEqual(b"still here", operator.recv(100))

    def test_replies_that_nobody_reads_are_not_kept(self):
        client, _ = self.device()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = client.seal
        client.socket.settimeout(1)
        sent = 0
        with self.until_cut(), contextlib.suppress(TimeoutError):
            for _ in range(3000):
                block = b"".join(request(global_request("keepalive@openssh.com")) for _ in range(100))
                client.socket.sendall(block)
                sent += len(block)
        print(f"{sent / MEGABYTE:.1f} MB of requests went out", flush=True)

    def test_a_stranger_who_reads_nothing_is_not_answered_without_end(self):
        wires = [self.wire() for _ in range(20)]
        unknown = packet(bytes([250])) * 1000
        sent = 0
        for wire in wires:
            wire.send(kexinit(strict=False))
            wire.socket.settimeout(0.3)
            with self.until_cut(), contextlib.suppress(TimeoutError):
                for _ in range(300):
                    sent += wire.socket.send(unknown)
        print(f"{sent / MEGABYTE:.1f} MB of packets went out", flush=True)
        for wire in wires:
            self.assertTrue(wire.is_closed_within(10))

    def test_random_messages_harm_nobody(self):
        seed = int(os.environ.get("M4H_SEED", "0")) or int(time.time())
        print(f"M4H_SEED={seed}", flush=True)
        source = random.Random(seed)
        kinds = [*range(1, 8), 20, 21, *range(30, 35), *range(50, 62), *range(80, 83), *range(90, 101), 192, 255]
        names = ["tcpip-forward", "cancel-tcpip-forward", "session", "direct-tcpip", "forwarded-tcpip", "ssh-userauth",
                 "ssh-connection", "publickey", "keepalive@openssh.com", "exec", "", "x" * 300]

        def piece():
            return source.choice([
                lambda: numbers(source.choice([0, 1, 2, 43, 44, 0xff, 0x7fffffff, 0xffffffff])),
                lambda: text(source.choice(names)), lambda: source.randbytes(source.randrange(40)),
                lambda: bytes([source.randrange(2)])])()
        for round_ in range(60):
            client = self.device()[0] if round_ % 2 else self.client()
            with self.until_cut():
                for _ in range(100):
                    client.send(bytes([source.choice(kinds)]) + b"".join(piece() for _ in range(source.randrange(7))))
                client.is_closed_within(0.05)
            client.close()

    def test_keys_exchanged_again_and_again_are_borne(self):
        client, port = self.device()
        for _ in range(200):
            client.exchange()
        operator = self.operator(port)
        channel = client.accept_channel()
        client.send(channel_data(channel, b"still here"))
        self.assertEqual(b"still here", operator.recv(100))

    def test_key_exchanges_that_are_begun_and_not_ended_are_cut(self):
        client, _ = self.device()
        with self.until_cut():
            for _ in range(300):
                client.send(kexinit(strict=False, cipher=Client.CIPHER))
        with self.until_cut():
            client.receive_until(DISCONNECT)
        client.is_closed_within(1)

    # --- channels ---

    def test_data_beyond_the_window_is_cut(self):
        client, port = self.device()
        operator = self.operator(port)
        operator.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        channel = client.accept_channel()
        data = channel_data(channel, bytes(32000))
        client.socket.settimeout(5)
        with self.until_cut(), contextlib.suppress(TimeoutError):
            for _ in range(64 * MEGABYTE // 32000):
                client.send(data)
        self.assert_ended(client, "window")

    def test_data_for_a_channel_that_was_closed_long_ago_is_cut(self):
        client, port = self.device()
        operator = self.operator(port)
        channel = client.accept_channel()
        reset(operator)
        client.receive_until(CHANNEL_CLOSE)
        client.socket.settimeout(5)
        with self.until_cut(), contextlib.suppress(TimeoutError):
            for _ in range(64 * MEGABYTE // 32000):
                client.send(channel_data(channel, bytes(32000)))
        self.assert_ended(client, "closed channel")

    CHANNELS_UNCONFIRMED = 513  # then operators are refused

    def leave_unconfirmed(self, client, port):
        """As many operators come and go as the slave bears; returns its numbers of their channels."""
        channels = []
        for number in range(self.CHANNELS_UNCONFIRMED):
            operator = socket.create_connection(("127.0.0.1", port), 10)
            channels.append(client.accept_channel(number))
            reset(operator)
            client.receive_until(CHANNEL_CLOSE)
        return channels

    def is_served(self, operator):
        operator.settimeout(0.5)
        try:
            return operator.recv(1) != b""
        except TimeoutError:
            return True

    def test_a_device_that_never_confirms_the_end_of_channels_is_cut(self):
        client, port = self.device()
        channels = self.leave_unconfirmed(client, port)
        # Each of them is looked for behind all the others.
        client.send(*[channel_data(channels[0], b"x")] * 20000)
        with self.until_cut():
            for _ in range(100):
                client.send(bytes([IGNORE]) + text(b""))
                if client.is_closed_within(0.2):
                    break
        self.assert_ended(client, "it does not confirm that channels are closed")

    def test_operators_who_come_and_go_faster_than_a_device_hears_of_it_do_not_end_it(self):
        client, port = self.device()
        channels = self.leave_unconfirmed(client, port)
        for _ in range(600):
            with socket.create_connection(("127.0.0.1", port), 10) as operator:
                self.assertEqual(b"", operator.recv(1), "one too many is not refused")
        client.send(*[bytes([CHANNEL_CLOSE]) + numbers(channel) for channel in channels])
        operator = wait_until(lambda: next(filter(self.is_served, [self.operator(port)]), None), 10, "room")
        channel = client.accept_channel(len(channels))
        client.send(channel_data(channel, b"still here"))
        self.assertEqual(b"still here", operator.recv(100))

    def test_channels_that_a_device_never_answers_keep_it_busy_alone(self):
        client, port = self.device()
        operators = [self.operator(port) for _ in range(400)]  # more than [tunnel] channels_max
        client.receive_until(CHANNEL_OPEN)
        for operator in operators:
            reset(operator)
        self.assertIsNotNone(self.cluster.tunnel("hostile"))
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        client.close()
        wait_until(lambda: len(os.listdir(f"/proc/{self.pid}/fd")) < files, 10, "the operators being closed with it")

    def test_a_window_that_is_never_opened_makes_the_operator_wait(self):
        client, port = self.device()
        operators = [self.operator(port) for _ in range(8)]
        for number in range(len(operators)):
            client.accept_channel(number, window=0)
        sent = 0
        for operator in operators:
            operator.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                for _ in range(64):
                    sent += operator.send(bytes(MEGABYTE))
        print(f"{sent / MEGABYTE:.1f} MB were taken from operators", flush=True)
        self.assertIsNotNone(self.cluster.tunnel("hostile"))

    def test_a_device_that_takes_tiny_packets_only_is_cut(self):
        for packet_max in (11, 20, 100):  # of it 10 bytes are the library's reserve
            client, port = self.device()
            operator = self.operator(port)
            client.accept_channel(window=0x7fffffff, packet_max=packet_max)
            operator.settimeout(1)
            with contextlib.suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
                for _ in range(32):
                    operator.sendall(bytes(MEGABYTE))
            self.assert_ended(client, "it takes too small packets")

    def test_impossible_sizes_of_packets_are_borne(self):
        for packet_max in (0, 1, 10, 0xffffffff):
            client, port = self.device()
            operator = self.operator(port)
            client.accept_channel(window=0xffffffff, packet_max=packet_max)
            operator.settimeout(0.3)
            with contextlib.suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
                for _ in range(8):
                    operator.sendall(bytes(MEGABYTE))
            client.close()

    def test_a_flood_of_packets_with_one_byte_each_leaves_room_for_others(self):
        client, port = self.device()
        operator = self.operator(port)
        channel = client.accept_channel()
        block = [channel_data(channel, b"x")] * 500
        started, count = time.monotonic(), 0
        while time.monotonic() - started < 3:
            client.send(*block)
            count += len(block)
            operator.recv(MEGABYTE)
        print(f"{count / 3000:.0f} packets each ms", flush=True)

    def test_channels_refused_thousands_of_times_are_borne(self):
        client, port = self.device()
        for _ in range(1500):
            operator = socket.create_connection(("127.0.0.1", port), 10)
            theirs = struct.unpack(">I", take_text(client.receive_until(CHANNEL_OPEN)[1:])[1][:4])[0]
            client.send(bytes([CHANNEL_FAILURE]) + numbers(theirs, 1) + text("no") + text(""))
            operator.close()
        self.assert_serves(client, port)

    def test_channels_opened_and_closed_thousands_of_times_are_borne(self):
        client, port = self.device()
        for number in range(1500):
            operator = socket.create_connection(("127.0.0.1", port), 10)
            theirs = client.accept_channel(number)
            client.send(bytes([CHANNEL_CLOSE]) + numbers(theirs))
            operator.close()
        self.assert_serves(client, port)

    def assert_serves(self, client, port):
        operator = self.operator(port)
        while True:
            channel = client.accept_channel(5)
            client.send(channel_data(channel, b"still here"))
            with contextlib.suppress(TimeoutError):
                operator.settimeout(5)
                self.assertEqual(b"still here", operator.recv(100))
                return

    def test_channels_that_a_device_opens_without_end_are_cut(self):
        client, _ = self.device()
        opened = bytes([CHANNEL_OPEN]) + text("session") + numbers(1, 1 << 20, 32768)
        with self.until_cut():
            for _ in range(100):
                client.send(*[opened] * 100)
        self.assert_ended(client, "")

    def test_messages_for_channels_that_do_not_exist_harm_nobody(self):
        messages = [channel_data(77, bytes(1000)), bytes([CHANNEL_EOF]) + numbers(77), bytes([CHANNEL_CLOSE]) + numbers(77),
                    bytes([WINDOW_ADJUST]) + numbers(77, 0xffffffff), bytes([CHANNEL_CONFIRM]) + numbers(77, 0, 1, 1),
                    bytes([CHANNEL_FAILURE]) + numbers(77, 1) + text("") + text(""),
                    bytes([CHANNEL_REQUEST]) + numbers(77) + text("exec") + b"\1" + text("id"), bytes([CHANNEL_DATA])]
        for message in messages:
            with self.subTest(kind=message[0]):
                client, _ = self.device()
                with self.until_cut():
                    client.send(*[message] * 2000)
                client.is_closed_within(0.5)

    def test_messages_of_a_channel_in_the_wrong_order_harm_nobody(self):
        client, port = self.device()

        def opened():
            operator = self.operator(port)
            return operator, client.accept_channel()
        orders = [
            lambda n: [bytes([CHANNEL_CONFIRM]) + numbers(n, 9, 1 << 20, 32768)] * 3,
            lambda n: [bytes([CHANNEL_FAILURE]) + numbers(n, 1) + text("") + text("")] * 3,
            lambda n: [bytes([CHANNEL_EOF]) + numbers(n)] * 3 + [channel_data(n, b"late")],
            lambda n: [bytes([CHANNEL_CLOSE]) + numbers(n)] * 3 + [channel_data(n, b"late")],
            lambda n: [bytes([WINDOW_ADJUST]) + numbers(n, 0xffffffff)] * 50,
            lambda n: [channel_data(n, b"")] * 500,
            lambda n: [bytes([95]) + numbers(n, 1) + text(b"stderr")] * 50,
            lambda n: [bytes([CHANNEL_REQUEST]) + numbers(n) + text("x" * 100000) + b"\1"],
        ]
        for number, order in enumerate(orders):
            with self.subTest(number=number):
                try:
                    operator, channel = opened()
                except (EOFError, ConnectionError):
                    client, port = self.device()
                    operator, channel = opened()
                with self.until_cut():
                    client.send(*order(channel))
                operator.settimeout(0.5)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    operator.sendall(b"x" * 1000)
                    operator.recv(1000)
                operator.close()


if __name__ == "__main__":
    unittest.main()
