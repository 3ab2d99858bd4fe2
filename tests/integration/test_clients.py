"""Which clients get in: OpenSSH and Dropbear with every kind of key, by public key alone."""

import os
import signal
import unittest

from cluster import (ClusterTestCase, Device, Program, dropbear_device, echoes, fingerprint, ssh_command,
                     ssh_device, wait_until)
from events import Subscriber

KINDS = ("ed25519", "ecdsa", "rsa")


class Clients(ClusterTestCase):
    def slave_of(self, slot):
        return self.cluster.slave(slot["slave_id"])

    def test_openssh_connects_with_every_kind_of_key(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                device = self.connect(f"openssh-{kind}", kind=kind)
                self.assertTrue(echoes(device.port))

    def test_dropbear_connects_with_every_kind_of_key(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                name = f"dropbear-{kind}"
                key = self.cluster.make_dropbear_key(name, kind)
                device = dropbear_device(self.cluster, self.cluster.slot(), key, self.echo.port)
                self.addCleanup(device.stop)
                self.assertTrue(echoes(device.port))
                tunnel = wait_until(lambda: self.cluster.tunnel(name), 10, "REST showing it")
                self.assertEqual(device.port, tunnel["port"])
                self.assertIn("dropbear", tunnel["client_version"])

    def test_a_fixed_port_is_given_where_it_is_free(self):
        name = "fixed"
        key = self.cluster.make_key(name)
        device = self.connect("finder")
        port = device.port + 1
        slot = self.cluster.slot_on(self.cluster.tunnel("finder")["slave_id"])
        fixed = Device(ssh_command(self.cluster, slot, key, "-N", "-T", "-R", f"{port}:127.0.0.1:{self.echo.port}"))
        self.addCleanup(fixed.stop)
        tunnel = wait_until(lambda: self.cluster.tunnel(name), 10, "REST showing it")
        self.assertEqual(port, tunnel["port"])
        self.assertTrue(echoes(port))

    def test_the_bind_address_that_a_device_asks_for_makes_no_difference(self):
        slot = self.cluster.slot()
        for number, address in enumerate(("*", "0.0.0.0", "localhost", "127.0.0.1", "")):
            with self.subTest(address=address):
                key = self.cluster.make_key(f"bound-{number}")
                device = Device(ssh_command(
                    self.cluster, slot, key, "-N", "-T", "-R", f"{address}:0:127.0.0.1:{self.echo.port}"))
                self.addCleanup(device.stop)
                self.assertTrue(echoes(device.port))

    def test_a_device_may_take_another_port_later_and_give_it_up(self):
        control = str(self.cluster.dir / "taker.s")
        device = self.connect("taker", options=("-M", "-S", control))
        first = device.port
        second = first + 1 if first < 29999 else first - 1

        def ask(what):
            status, output = Program(["ssh", "-F", "none", "-S", control, "-O", what, "-R",
                                      f"{second}:127.0.0.1:{self.echo.port}", "taker"]).end()
            self.assertEqual(0, status, output)

        def ports():
            return sorted(self.cluster.tunnel("taker")["ports"])
        ask("forward")
        wait_until(lambda: ports() == sorted([first, second]), 10, "REST showing both ports")
        self.assertTrue(echoes(second))
        ask("cancel")
        wait_until(lambda: ports() == [first], 10, "REST showing the port that is left")
        self.assertFalse(echoes(second))
        self.assertTrue(echoes(first))

    def test_an_unknown_key_is_refused_and_the_log_says_who_and_why(self):
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        key = self.cluster.make_key("stranger", authorized=False)
        print_of_key = fingerprint(f"{key}.pub")
        slot = self.cluster.slot()
        device = ssh_device(self.cluster, slot, key, self.echo.port)
        status, output = device.end()
        self.assertEqual(255, status)
        self.assertIn("Permission denied (publickey)", output)
        line = wait_until(lambda: self.slave_of(slot).log_lines(print_of_key), 5, "a line on the key")[0]
        self.assertIn("peer=127.0.0.1:", line)
        self.assertIn("reason=", line)
        refuse = subscriber.wait_for("refuse", where=lambda r: r.key_fingerprint == print_of_key)
        self.assertEqual("REFUSE_REASON_KEY_DENIED", subscriber.reason_name(refuse))

    def test_a_password_is_not_asked_for(self):
        slot = self.cluster.slot()
        for method in ("password", "keyboard-interactive", "none"):
            with self.subTest(method=method):
                status, output = Program(ssh_command(
                    self.cluster, slot, "/nonexistent", "-N", "-R", "0:127.0.0.1:1",
                    "-o", "PubkeyAuthentication=no", "-o", f"PreferredAuthentications={method}")).end()
                self.assertEqual(255, status)
                self.assertIn("Permission denied (publickey)", output)

    def test_the_process_is_the_same_after_all_this(self):
        pids = {s.identity: s.pid for s in self.cluster.slaves}
        self.assertEqual(pids, {d["id"]: d["pid"] for d in self.cluster.description["slaves"]})


class Silence(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_DEVICE_KEEPALIVE_MS": "500"}

    def test_a_device_that_falls_silent_is_gone_and_one_that_answers_stays(self):
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        answers = self.connect("answers")
        key = self.cluster.make_dropbear_key("answers-too")
        answers_too = dropbear_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(answers_too.stop)
        self.assertTrue(answers_too.port)
        for number in range(2):
            name = f"silent-{number}"
            silent = self.connect(name)
            os.kill(silent.process.pid, signal.SIGSTOP)
            self.addCleanup(os.kill, silent.process.pid, signal.SIGCONT)
            disconnect = subscriber.wait_for("disconnect", name, 10)
            self.assertEqual("DISCONNECT_REASON_KEEPALIVE_TIMEOUT", subscriber.reason_name(disconnect))
        self.assertTrue(echoes(answers.port))
        self.assertTrue(echoes(answers_too.port))


if __name__ == "__main__":
    unittest.main()
