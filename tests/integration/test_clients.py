"""Which clients get in: OpenSSH and Dropbear with every kind of key, by public key alone."""

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

    def test_openssh_connects_with_every_kind_of_key_exchange(self):
        supported = Program(["ssh", "-Q", "kex"]).end()[1].split()
        for kex in ("curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group16-sha512"):
            with self.subTest(kex=kex):
                self.assertIn(kex, supported)
                device = self.connect(f"kex-{kex}", options=("-o", f"KexAlgorithms={kex}"))
                self.assertTrue(echoes(device.port))

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


if __name__ == "__main__":
    unittest.main()
