"""An operator is at one slave, the device hangs at another: slaves bring operators to each other. What goes
through, what is told when it does not, and that nobody but a slave may do it."""

import contextlib
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import unittest
import urllib.request
from pathlib import Path

from cluster import ClusterTestCase, Program, ssh_command, ssh_device, wait_until
from own_service import OwnService
from ssh_wire import (CHANNEL_CLOSE, CHANNEL_CONFIRM, CHANNEL_OPEN, WINDOW_ADJUST, Client, channel_data, numbers,
                      text)

SLAVES = ("slave-1", "slave-2", "slave-3")
MEGABYTE = 1 << 20


class Crossing:
    """A port that leads to another, which can be changed; where several slaves may stand behind it."""

    def __init__(self):
        self.target = None
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target), 5)
                far.settimeout(None)
                self.sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        for end in (self.listener, *self.sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class ReachFar(ClusterTestCase):
    options = ("--slaves", "3", "--regions", "eu,us")
    environment = {"MAS4H_SLAVE_OPERATORS_REACH_MS": "3000", "MAS4H_SLAVE_SLAVE_WORKERS": "2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator_key = cls.cluster.make_key("ops", authorized=False)
        kind, public = Path(f"{cls.operator_key}.pub").read_text().split()[:2]
        with cls.cluster.authorized_keys.open("a") as file:
            file.write(f'operator="ops",permitopen="pump-*:*" {kind} {public}\n')

    def device(self, name, slave_id):
        key = self.cluster.make_key(name)
        device = ssh_device(self.cluster, self.cluster.slot_on(slave_id), key, self.echo.port)
        self.addCleanup(device.stop)
        device.wait_for(r"Allocated port")
        wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    def reach(self, slave_id, device, port=22, key=None):
        """`ssh -W device:port` at that slave."""
        command = ssh_command(self.cluster, self.cluster.slot_on(slave_id), key or self.operator_key,
                              "-W", f"{device}:{port}")
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()

    def assert_echoes(self, slave_id, device, data=b"mas4h", **options):
        process = self.reach(slave_id, device, **options)
        came, said = process.communicate(data, 30)
        self.assertEqual(hashlib.sha256(data).digest(), hashlib.sha256(came).digest(), said.decode())

    def assert_refused(self, slave_id, device, pattern, **options):
        came, said = self.reach(slave_id, device, **options).communicate(b"mas4h", 30)
        self.assertEqual(b"", came)
        self.assertRegex(said.decode(), pattern)

    def metric(self, slave_id, line):
        url = self.cluster.slave(slave_id).described["metrics_url"]
        text = urllib.request.urlopen(url, timeout=5).read().decode()
        return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.M).group(1))

    def host_key(self, slave_id):
        return next(path for path in self.cluster.dir.rglob("ssh_host_ed25519_key") if slave_id in str(path))

    def test_from_any_slave_every_device_is_reached(self):
        for slave_id in SLAVES:
            self.device(f"pump-at-{slave_id}", slave_id)
        reached = 'mas4h_slave_hops_total{result="reached"}'
        before = {slave_id: self.metric(slave_id, reached) for slave_id in SLAVES}
        for here in SLAVES:
            for there in SLAVES:
                with self.subTest(here=here, there=there):
                    self.assert_echoes(here, f"pump-at-{there}")
        # Of two workers of each slave, that operators come to by chance.
        for here in SLAVES:
            self.assertIn(self.metric(here, "mas4h_slave_hop_sessions"), (2, 3, 4))
            self.assertEqual(before[here] + 2, self.metric(here, reached))

    def test_what_goes_through_is_whole_and_ends_are_passed_on(self):
        self.device("pump-bulk", "slave-2")
        self.assert_echoes("slave-1", "pump-bulk", os.urandom(12 * MEGABYTE))

    def test_many_go_through_one_session(self):
        self.device("pump-crowd", "slave-2")
        slot = self.cluster.slot_on("slave-1")
        control = self.cluster.dir / "control"
        master = Program(ssh_command(self.cluster, slot, self.operator_key, "-N", "-M", "-S", control))
        self.addCleanup(master.stop)
        wait_until(control.exists, 10, "the control socket")
        before = self.metric("slave-1", "mas4h_slave_hop_sessions")
        command = [str(part) for part in ssh_command(self.cluster, slot, self.operator_key, "-S", control,
                                                     "-W", "pump-crowd:22")]
        visits = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE) for _ in range(30)]
        for visit in visits:
            self.addCleanup(self.end, visit)
        for number, visit in enumerate(visits):
            visit.stdin.write(b"%d\n" % number)
            visit.stdin.flush()
        for number, visit in enumerate(visits):
            self.assertEqual(b"%d\n" % number, visit.stdout.readline())
        self.assertLessEqual(self.metric("slave-1", "mas4h_slave_hop_sessions"), before + 1)

    def test_a_device_is_told_who_the_operator_is_not_which_slave_brings_him(self):
        """Its networks hold for the operator, also through another slave."""
        key = self.cluster.make_key("pump-narrow", authorized=False)
        kind, public = Path(f"{key}.pub").read_text().split()[:2]
        with self.cluster.authorized_keys.open("a") as file:
            file.write(f'operators-from="127.0.0.7" {kind} {public} pump-narrow\n')
        device = ssh_device(self.cluster, self.cluster.slot_on("slave-2"), key, self.echo.port)
        self.addCleanup(device.stop)
        device.wait_for(r"Allocated port")
        wait_until(lambda: self.cluster.tunnel("pump-narrow"), 10, "REST showing it")
        self.assert_refused("slave-1", "pump-narrow", r"pump-narrow does not take connections")
        process = subprocess.Popen(
            [str(part) for part in ssh_command(self.cluster, self.cluster.slot_on("slave-1"), self.operator_key,
                                               "-b", "127.0.0.7", "-W", "pump-narrow:22")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(b"mas4h", process.communicate(b"mas4h", 30)[0])

    def test_what_is_forbidden_or_not_there_is_told_at_the_entry(self):
        self.device("valve-1", "slave-2")
        self.device("pump-port", "slave-2")
        self.assert_refused("slave-1", "valve-1", r"ops may not reach valve-1")
        self.assert_refused("slave-1", "pump-nowhere", r"pump-nowhere is not connected")
        self.assert_refused("slave-1", "pump-port", r"pump-port has no port 5", port=5)

    def test_a_slave_that_is_killed_ends_its_visits_and_is_reached_again_when_it_is_back(self):
        device = self.device("pump-home", "slave-3")
        visit = self.reach("slave-1", "pump-home")
        visit.stdin.write(b"x")
        visit.stdin.flush()
        self.assertEqual(b"x", visit.stdout.read(1))
        home = self.cluster.slave("slave-3")
        home.kill()
        self.assertEqual(b"", visit.stdout.read())
        self.assert_refused("slave-1", "pump-home", r"slave-3, which cannot be reached|is not connected")
        device.stop()
        home.start()
        again = ssh_device(self.cluster, wait_until(lambda: self.slot_on_if_there("slave-3"), 10, "slave-3"),
                           self.cluster.dir / "pump-home.key", self.echo.port)
        self.addCleanup(again.stop)
        again.wait_for(r"Allocated port")
        # A slave that could not be reached a moment ago is left alone for a while.
        wait_until(lambda: self.reach("slave-1", "pump-home").communicate(b"x", 30)[0] == b"x", 10, "the way there")

    def slot_on_if_there(self, slave_id):
        with contextlib.suppress(AssertionError, KeyError):
            return self.cluster.slot_on(slave_id)
        return None

    def test_an_operator_who_has_gone_leaves_nothing_at_a_device_that_minds_no_end(self):
        deaf = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(deaf.close)
        key = self.cluster.make_key("pump-deaf")
        device = ssh_device(self.cluster, self.cluster.slot_on("slave-2"), key, deaf.getsockname()[1])
        self.addCleanup(device.stop)
        wait_until(lambda: self.cluster.tunnel("pump-deaf"), 10, "REST showing it")
        for entry in ("slave-1", "slave-2"):
            with self.subTest(entry=entry):
                visit = self.reach(entry, "pump-deaf")
                visit.stdin.write(b"x")
                visit.stdin.flush()
                service = deaf.accept()[0]
                self.addCleanup(service.close)
                self.assertEqual(b"x", service.recv(1))
                visit.kill()
                wait_until(lambda: self.metric("slave-2", "mas4h_slave_channels") == 0, 10, "no channel")
                wait_until(lambda: self.metric("slave-2", "mas4h_slave_accesses") == 0, 10, "no access")

    def test_an_operator_who_reads_nothing_and_goes_leaves_nothing(self):
        """His session stays: the device still has much for him, and he for the device."""
        self.device("pump-full", "slave-2")
        for entry in ("slave-1", "slave-2"):
            with self.subTest(entry=entry):
                slot = self.cluster.slot_on(entry)
                client = Client(slot["host"], slot["port"])
                self.addCleanup(client.close)
                client.request_service()
                client.authenticate(self.operator_key, "ops")
                theirs = self.fill(client, "pump-full")
                client.send(bytes([CHANNEL_CLOSE]) + numbers(theirs))
                client.receive_until(CHANNEL_CLOSE)
                for slave_id, name in (("slave-1", "accesses"), ("slave-2", "channels"), ("slave-2", "accesses")):
                    wait_until(lambda: self.metric(slave_id, f"mas4h_slave_{name}") == 0, 10, f"no {name}")
        self.assert_echoes("slave-1", "pump-full")

    @staticmethod
    def fill(client, device):
        """Sends on a channel of its own as long as anything is taken, and has no window for what comes back."""
        client.send(bytes([CHANNEL_OPEN]) + text("direct-tcpip") + numbers(0, 4096, 32768) + text(device) +
                    numbers(22) + text("127.0.0.1") + numbers(1))
        theirs, window = struct.unpack(">II", client.receive_until(CHANNEL_CONFIRM)[5:13])
        client.socket.settimeout(1.5)
        with contextlib.suppress(TimeoutError):
            while True:
                while window >= 16000:
                    client.send(channel_data(theirs, bytes(16000)))
                    window -= 16000
                window += struct.unpack(">I", client.receive_until(WINDOW_ADJUST)[5:9])[0]
        client.socket.settimeout(10)
        return theirs

    def test_a_slave_that_stands_still_is_given_up_in_time(self):
        self.device("pump-still", "slave-2")
        self.assert_echoes("slave-1", "pump-still")
        home = self.cluster.slave("slave-2")
        os.kill(home.pid, signal.SIGSTOP)
        try:
            self.assert_refused("slave-1", "pump-still", r"pump-still did not answer in time")
        finally:
            os.kill(home.pid, signal.SIGCONT)
        self.assert_echoes("slave-1", "pump-still")

    def test_a_server_with_another_host_key_gets_nobody(self):
        crossing = Crossing()
        self.addCleanup(crossing.close)
        own = OwnService(self.cluster, "slave", "slave-9", {"device": {"port": crossing.port}})
        self.addCleanup(own.stop)
        crossing.target = int(own.address("device").rpartition(":")[2])
        wait_until(lambda: self.slot_on_if_there("slave-9"), 10, "slave-9")
        self.device("pump-crossing", "slave-9")
        self.assert_echoes("slave-1", "pump-crossing")
        crossing.target = self.cluster.slot_on("slave-3")["port"]  # the man in the middle
        self.assert_refused("slave-2", "pump-crossing", r"slave-9, which does not know this slave, or is not known")
        self.assertTrue(self.cluster.slave("slave-2").log_lines("to=slave-9", "unexpected host key"))

    def test_a_device_can_neither_hop_nor_visit(self):
        self.device("pump-victim", "slave-2")
        self.device("pump-thief", "slave-1")
        for slave_id in SLAVES:
            self.assert_refused(slave_id, "pump-victim", r"administratively prohibited",
                                key=self.cluster.dir / "pump-thief.key")

    def test_the_host_key_of_a_slave_opens_what_hangs_there_and_nothing_else(self):
        """Whoever has stolen one can do what a slave can: no more."""
        stolen = self.cluster.dir / "stolen.key"
        stolen.write_bytes(self.host_key("slave-1").read_bytes())
        stolen.chmod(0o600)
        self.device("pump-far", "slave-3")
        self.device("pump-near", "slave-2")
        self.assert_echoes("slave-2", "pump-near", key=stolen)
        self.assert_refused("slave-2", "pump-far", r"pump-far is not connected", key=stolen)
        forward = Program(ssh_command(self.cluster, self.cluster.slot_on("slave-2"), stolen,
                                      "-N", "-R", "0:127.0.0.1:9"))
        self.addCleanup(forward.stop)
        status, said = forward.end()
        self.assertNotEqual(0, status)
        self.assertNotIn("Allocated port", said)


if __name__ == "__main__":
    unittest.main()
