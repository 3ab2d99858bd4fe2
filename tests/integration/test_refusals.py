"""What a bouncer does not give is refused politely and logged, and the process lives; garbage on any
port is logged once and closed."""

import contextlib
import os
import random
import socket
import unittest

from cluster import ClusterTestCase, Program, echoes, fingerprint, run, ssh_command, ssh_device, wait_until
from events import Subscriber


class Refusals(ClusterTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.cluster.make_key("asker")
        cls.pids = {s.identity: s.pid for s in cls.cluster.services()}

    def setUp(self):
        self.slot = self.cluster.slot_on("slave-1")
        self.slave = self.cluster.slave("slave-1")
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)
        self.log_before = len(self.slave.log())

    def tearDown(self):
        self.assertEqual(self.pids, {s.identity: s.pid for s in self.cluster.services()})
        for service in self.cluster.services():
            os.kill(service.pid, 0)
        device = self.connect(f"after-{self._testMethodName[:60]}", self.slot)
        self.assertTrue(echoes(device.port))
        device.stop()

    def new_lines(self, *parts):
        lines = self.slave.log()[self.log_before:].splitlines()
        return [line for line in lines if all(part in line for part in parts)]

    def assert_refused(self, expected, *options, command=(), environment=None):
        """ssh with the options ends by itself and says what is expected; the slave tells of it."""
        arguments = ssh_command(self.cluster, self.slot, self.key, *options)
        program = Program([*arguments, *command], environment)
        self.addCleanup(program.stop)
        status, output = program.end(30)
        self.assertNotEqual(0, status, output)
        self.assertRegex(output, expected)
        wait_until(lambda: self.new_lines('device="asker"', "reason=unsupported"), 10,
                   "a line of the log on the refusal")

    def assert_unsupported_event(self):
        refuse = self.subscriber.wait_for("refuse", "asker")
        self.assertEqual("REFUSE_REASON_UNSUPPORTED", self.subscriber.reason_name(refuse))

    def test_a_shell_is_refused(self):
        self.assert_refused("There is no shell here", "-T")
        self.assert_unsupported_event()

    def test_a_terminal_is_refused(self):
        self.assert_refused("There is no shell here", "-tt")
        self.assert_unsupported_event()

    def test_a_command_is_refused(self):
        self.assert_refused("There is no shell here", "-T", command=("id",))
        self.assert_unsupported_event()

    def test_sftp_is_refused(self):
        self.assert_refused("There is no shell here", "-s", command=("sftp",))
        self.assert_unsupported_event()

    def test_a_connection_to_elsewhere_is_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            port = elsewhere.getsockname()[1]
            elsewhere.settimeout(1)
            self.assert_refused("failed|refused|prohibited", "-W", f"127.0.0.1:{port}")
            with self.assertRaises(TimeoutError):
                elsewhere.accept()

    def test_a_forward_of_a_unix_socket_is_refused(self):
        status, output = Program(ssh_command(
            self.cluster, self.slot, self.key, "-N", "-T", "-R", f"/tmp/x:127.0.0.1:{self.echo.port}")).end(20)
        self.assertEqual(255, status)
        self.assertIn("forwarding failed", output)

    def test_a_local_forward_leads_nowhere_and_the_tunnel_stays(self):
        with socket.create_server(("127.0.0.1", 0)) as spare:
            local = spare.getsockname()[1]
        device = self.connect("forwarder", self.slot, options=("-L", f"127.0.0.1:{local}:127.0.0.1:{self.echo.port}"))
        with socket.create_connection(("127.0.0.1", local), 10) as connection:
            connection.sendall(b"hello")
            self.assertEqual(b"", self.read_to_end(connection))
        self.assertTrue(echoes(device.port))
        self.assertIsNone(device.process.poll())

    def test_agent_and_x11_forwarding_are_refused(self):
        agent = Program(["ssh-agent", "-D"])
        self.addCleanup(agent.stop)
        agent_socket = agent.wait_for(r"SSH_AUTH_SOCK=([^;]+)").group(1)
        self.assert_refused(
            "failed|refused|prohibited|not", "-T", "-A", "-Y", "-R", f"0:127.0.0.1:{self.echo.port}",
            environment={"SSH_AUTH_SOCK": agent_socket, "DISPLAY": "127.0.0.1:99"})

    def test_a_certificate_that_no_master_judges_is_a_key_that_is_not_known(self):
        key = self.cluster.make_key("certified", authorized=False)
        run("ssh-keygen", "-q", "-s", str(self.key), "-I", "x", "-n", "device", f"{key}.pub")
        program = Program(ssh_command(
            self.cluster, self.slot, key, "-o", f"CertificateFile={key}-cert.pub", "-N", "-R", "0:127.0.0.1:9"))
        self.addCleanup(program.stop)
        self.assertEqual(255, program.end(20)[0])
        print_of_key = fingerprint(f"{key}.pub")
        # By the certificate, and then by itself.
        refusals = wait_until(lambda: [r for e in self.subscriber.of("refuse")
                                       if (r := e.refuse).key_fingerprint == print_of_key][1:], 15, "two refusals")
        self.assertEqual("REFUSE_REASON_KEY_DENIED", self.subscriber.reason_name(refusals[0]))

    def test_a_device_that_asks_for_no_port_is_sent_away(self):
        program = Program(ssh_command(self.cluster, self.slot, self.key, "-N", "-T"))
        self.addCleanup(program.stop)
        self.assertNotEqual(0, program.end(20)[0])
        refuse = self.subscriber.wait_for("refuse", "asker")
        self.assertEqual("REFUSE_REASON_TIMEOUT", self.subscriber.reason_name(refuse))
        self.assertTrue(self.new_lines("asker"))

    def test_a_silent_connection_is_closed_in_time(self):
        with socket.create_connection((self.slot["host"], self.slot["port"]), 20) as connection:
            self.assertTrue(self.read_to_end(connection).startswith(b"SSH-2.0-"))

    @staticmethod
    def read_to_end(connection):
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                received += data
        return received

    def send_garbage(self, port, garbage):
        """Sends it, and reads to the end that the other side makes. Returns our address."""
        with socket.create_connection(("127.0.0.1", port), 40) as connection:
            own_address = "%s:%d" % connection.getsockname()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(garbage)
            self.read_to_end(connection)
        return own_address

    def test_garbage_on_the_device_port_is_logged_once_and_closed(self):
        for garbage in (os.urandom(4096), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-x\r\n" + os.urandom(40000),
                        b"\0" * 70000, b"SSH-1.5-old\r\n"):
            with self.subTest(garbage=garbage[:12]):
                address = self.send_garbage(self.slot["port"], garbage)
                wait_until(lambda: self.new_lines(address), 10, f"a line on {address}")
                self.assertEqual(1, len(self.new_lines(address)), self.new_lines(address))

    def test_garbage_on_an_operators_port_reaches_the_device_and_harms_nothing(self):
        device = self.connect("garbage", self.slot)
        with contextlib.closing(socket.create_connection(("127.0.0.1", device.port), 20)) as connection:
            garbage = os.urandom(100000)
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(garbage, self.read_to_end(connection))
        self.assertTrue(echoes(device.port))

    def test_an_operator_is_closed_when_nothing_listens_behind_the_device(self):
        with socket.create_server(("127.0.0.1", 0)) as spare:
            closed_port = spare.getsockname()[1]
        key = self.cluster.make_key("hollow")
        device = ssh_device(self.cluster, self.slot, key, closed_port)
        self.addCleanup(device.stop)
        port = device.port
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                self.assertEqual(b"", self.read_to_end(connection))
        self.assertIsNone(device.process.poll())

    def test_garbage_on_the_http_ports_is_logged_once_and_closed(self):
        for service in self.cluster.services():
            port = int(service.described["metrics_url"].split(":")[2].split("/")[0])
            for garbage in (random.Random(1).randbytes(4096), b"\r\n" * 5000, b"GET /" + b"a" * 70000, b"SSH-2.0-x\r\n",
                            b"POST /v1/slots HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"):
                with self.subTest(service=service.identity, garbage=garbage[:12]):
                    address = self.send_garbage(port, garbage + b"\r\n\r\n")
                    wait_until(lambda: service.log_lines(address), 10, f"a line on {address}")
                    self.assertEqual(1, len(service.log_lines(address)))
            wait_until(lambda: b"200" in self.health(port), 10, "the service being healthy")

    @classmethod
    def health(cls, port):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return cls.read_to_end(connection).partition(b"\r\n")[0]


if __name__ == "__main__":
    unittest.main()
