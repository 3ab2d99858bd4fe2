"""Behind a load balancer the device's own address is in events, REST and logs; what comes past the
balancer, or without its header, is closed and told of; health checks leave no trace."""

import contextlib
import socket
import struct
import subprocess
import textwrap
import time
import unittest
import urllib.request

from cluster import ClusterTestCase, echoes, ssh_device, wait_until
from events import Subscriber

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BALANCER = "127.0.0.2"


def v2(command, family, body=b""):
    return SIGNATURE + bytes((0x20 | command, family)) + struct.pack("!H", len(body)) + body


class ProxyProtocol(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {
        "MAS4H_SLAVE_DEVICE_PROXY_PROTOCOL": "required",
        "MAS4H_SLAVE_DEVICE_PROXY_NETWORKS": BALANCER,
        "MAS4H_SLAVE_DEVICE_AUTHENTICATE_MS": "2s",
    }

    def setUp(self):
        self.slot = self.cluster.slot()
        self.slave = self.cluster.slave("slave-1")
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)
        self.log_before = len(self.slave.log())

    def new_lines(self, *parts):
        lines = self.slave.log()[self.log_before:].splitlines()
        return [line for line in lines if all(part in line for part in parts)]

    def balancer(self, send):
        """A HAProxy before the slave, with checks; the slot that leads to it."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        config = self.cluster.dir / f"haproxy-{send}.cfg"
        config.write_text(textwrap.dedent(f"""
            defaults
                mode tcp
                timeout connect 5s
                timeout client 60s
                timeout server 60s
            listen slaves
                bind fd@{listening.fileno()}
                server slave {self.slot["host"]}:{self.slot["port"]} {send} source {BALANCER} check inter 100ms
            """))
        log = config.with_suffix(".log").open("wb")
        self.addCleanup(log.close)
        haproxy = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, pass_fds=[listening.fileno()])
        self.addCleanup(haproxy.wait)
        self.addCleanup(haproxy.terminate)
        return {**self.slot, "port": listening.getsockname()[1]}

    def raw(self, *parts, source=BALANCER):
        """A connection that has sent the parts, one packet each."""
        connection = socket.create_connection(
            (self.slot["host"], self.slot["port"]), 10, source_address=(source, 0))
        self.addCleanup(connection.close)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            with contextlib.suppress(OSError):
                connection.sendall(part)
            time.sleep(0.001)  # so that it is a packet of its own
        return connection

    def assert_served(self, *parts):
        connection = self.raw(*parts)
        self.assertEqual(b"SSH-2.0-", connection.recv(8, socket.MSG_WAITALL))
        connection.close()

    def assert_closed(self, connection):
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(b"", connection.recv(100))

    def assert_refused(self, reason, detail):
        refuse = self.subscriber.wait_for("refuse", where=lambda payload: detail in payload.detail)
        self.assertEqual(f"REFUSE_REASON_{reason}", self.subscriber.reason_name(refuse))
        wait_until(lambda: self.new_lines(f"reason={reason.lower()}", detail), 10, "a line of the log")

    def assert_own_address(self, send, name):
        key = self.cluster.make_key(name)
        device = ssh_device(self.cluster, self.balancer(send), key, self.echo.port, "-b", "127.0.0.3")
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        tunnel = wait_until(lambda: self.cluster.tunnel(name), 10, "REST showing the device")
        self.assertRegex(tunnel["remote_address"], r"^127\.0\.0\.3:\d+$")
        connect = self.subscriber.wait_for("connect", name)
        self.assertEqual(tunnel["remote_address"], connect.tunnel.remote_address)
        self.assertTrue(self.new_lines(tunnel["remote_address"]), "no line of the log names its address")
        device.stop()

    def test_a_device_behind_haproxy_shows_its_own_address_by_version_1(self):
        self.assert_own_address("send-proxy", "behind-v1")

    def test_a_device_behind_haproxy_shows_its_own_address_by_version_2(self):
        self.assert_own_address("send-proxy-v2", "behind-v2")

    def test_the_checks_of_haproxy_leave_no_line(self):
        accepted = self.metric("mas4h_slave_accepted_total")
        self.balancer("send-proxy-v2")
        wait_until(lambda: self.metric("mas4h_slave_accepted_total") >= accepted + 10, 15, "ten checks")
        self.assertEqual([], self.new_lines("device is refused"))

    def metric(self, name):
        with urllib.request.urlopen(self.slave.described["metrics_url"], timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))

    def test_headers_without_an_address_are_served(self):
        self.assert_served(v2(0, 0))
        self.assert_served(v2(1, 0))
        self.assert_served(b"PROXY UNKNOWN\r\n")

    def test_a_header_may_come_in_pieces_and_with_ssh_behind_it(self):
        body = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.8") + struct.pack("!HH", 7, 22)
        header = v2(1, 0x11, body)
        self.assert_served(*(header[i:i + 1] for i in range(len(header))))
        connection = self.raw(header + b"SSH-2.0-test\r\n" + b"\xff" * 40)
        self.assertEqual(b"SSH-2.0-", connection.recv(8, socket.MSG_WAITALL))
        # What follows was read as SSH, and refused as such, of the address in the header.
        wait_until(lambda: self.new_lines("peer=192.0.2.7:7", "reason=protocol_error"), 10, "a refusal")

    def test_what_comes_past_the_balancer_is_closed(self):
        self.assert_closed(self.raw(v2(0, 0), source="127.0.0.1"))
        self.assert_refused("PROXY", "comes from no load balancer of ours")

    def test_ssh_without_a_header_is_closed(self):
        self.assert_closed(self.raw(b"SSH-2.0-test\r\n"))
        self.assert_refused("PROXY", "no header of the PROXY protocol")

    def test_a_wrong_header_is_closed(self):
        self.assert_closed(self.raw(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n"))
        self.assert_refused("PROXY", "no header of the PROXY protocol")

    def test_an_end_inside_the_header_is_told_of_and_one_before_it_is_not(self):
        self.raw().close()
        self.raw(b"PROXY TCP4").close()
        self.assert_refused("PROXY", "no header of the PROXY protocol")
        self.assertEqual(1, len(self.new_lines("device is refused")))

    def test_a_header_that_does_not_come_is_not_waited_for_for_ever(self):
        before = time.monotonic()
        self.assert_closed(self.raw(b"PROXY TCP4 "))
        self.assertLess(time.monotonic() - before, 5)
        self.assert_refused("TIMEOUT", "no header of the PROXY protocol in time")


if __name__ == "__main__":
    unittest.main()
