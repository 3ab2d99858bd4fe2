"""Which algorithms a slave offers: nothing that ssh-audit blames, what real clients need, the rest by
configuration; and strict key exchange (CVE-2023-48795)."""

import re
import shutil
import unittest

from cluster import ClusterTestCase, Device, Program, dropbear_device, echoes, ssh_command, ssh_device, wait_until
from ssh_wire import (ECDH_INIT, ECDH_REPLY, IGNORE, KEXINIT, NEWKEYS, POINT, STRICT_SERVER, Wire, kexinit, text)

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr",
           "aes128-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
KEXES = ("curve25519-sha256", "curve25519-sha256@libssh.org")
MORE_KEXES = ("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256",
              "diffie-hellman-group16-sha512")
HOST_KEYS = {"ed25519": ("ssh-ed25519",), "ecdsa": ("ecdsa-sha2-nistp256",), "rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class OneSlave(ClusterTestCase):
    options = ("--slaves", "1")

    def setUp(self):
        self.slot = self.cluster.slot_on("slave-1")

    def device(self, name, *options, kind="ed25519"):
        device = ssh_device(self.cluster, self.slot, self.cluster.make_key(name, kind), self.echo.port, "-v", *options)
        self.addCleanup(device.stop)
        return device

    def refused_device(self, name, *options, kind="ed25519"):
        status, output = self.device(name, *options, kind=kind).end()
        self.assertEqual(255, status)
        return output

    def assert_chosen(self, device, pattern):
        self.assertTrue(echoes(device.port))
        self.assertRegex(device.output, pattern)


class Defaults(OneSlave):
    @unittest.skipUnless(shutil.which("ssh-audit"), "ssh-audit is not installed")
    def test_ssh_audit_blames_nothing(self):
        output = Program(["ssh-audit", "-n", "-p", self.slot["port"], self.slot["host"]]).end(60)[1]
        self.assertIn("(kex) curve25519-sha256", output)
        # Releases before 2024 do not know the mark of strict key exchange, which is no algorithm.
        blamed = [line for line in output.splitlines()
                  if re.search(r"\[(fail|warn)\]|\(cve\)|\(sec\)", line) and STRICT_SERVER not in line]
        self.assertEqual([], blamed, output)

    def test_it_does_not_tell_which_library_it_uses(self):
        wire = Wire(self.slot["host"], self.slot["port"])
        self.addCleanup(wire.close)
        self.assertEqual("SSH-2.0-mas4h", wire.line())

    def test_openssh_connects_with_every_cipher(self):
        for cipher in CIPHERS:
            with self.subTest(cipher=cipher):
                device = self.device(f"cipher-{cipher.partition('@')[0]}", "-c", cipher)
                self.assert_chosen(device, f"server->client cipher: {re.escape(cipher)} ")

    def test_openssh_connects_with_every_mac(self):
        for mac in MACS:
            with self.subTest(mac=mac):
                device = self.device(f"mac-{mac.partition('@')[0]}", "-c", "aes128-ctr", "-m", mac)
                self.assert_chosen(device, f"MAC: {re.escape(mac)} ")

    def test_openssh_connects_with_every_key_exchange(self):
        for kex in KEXES:
            with self.subTest(kex=kex):
                device = self.device(f"kex-{kex.replace('@', '-at-').replace('.', '-')}", "-o", f"KexAlgorithms={kex}")
                self.assert_chosen(device, f"kex: algorithm: {re.escape(kex)}\n")

    def test_what_is_weaker_is_not_offered(self):
        self.assertRegex(self.refused_device("weak-mac", "-c", "aes128-ctr", "-m", "hmac-sha2-256"),
                         "no matching MAC|Connection closed")
        self.assertRegex(self.refused_device("weak-cipher", "-c", "aes128-cbc"),
                         "no matching cipher|Connection closed")
        for kex in (*MORE_KEXES, "diffie-hellman-group14-sha1"):
            with self.subTest(kex=kex):
                self.assertRegex(self.refused_device(f"weak-{kex}", "-o", f"KexAlgorithms={kex}"),
                                 "no matching key exchange|Connection closed")

    def test_a_sha_1_signature_is_not_taken(self):
        self.assertRegex(self.refused_device("sha-1", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa", kind="rsa"),
                         "no mutual signature|Permission denied")

    def test_nothing_is_compressed(self):
        device = self.device("squeezed", "-C")
        self.assert_chosen(device, "compression: none")

    def dropbear(self, name, *options):
        key = self.cluster.make_dropbear_key(name)
        device = dropbear_device(self.cluster, self.slot, key, self.echo.port)
        if options:
            device.stop()
            device = Device([device.command[0], *options, *device.command[1:]],
                            {"HOME": str(self.cluster.dir / f"home.{key.name}")})
        self.addCleanup(device.stop)
        return device

    def test_dropbear_connects_with_its_own_choice(self):
        self.assertTrue(echoes(self.dropbear("drop").port))

    def test_dropbear_connects_with_all_that_it_had_in_2018(self):
        self.assertTrue(echoes(self.dropbear("old-drop", "-c", "aes128-ctr", "-m", "hmac-sha2-256").port))

    def test_the_mac_for_dropbear_is_offered_to_nobody_else(self):
        for name, offered in (("SSH-2.0-dropbear_2019.78", True), ("SSH-2.0-dropbear", True),
                              ("SSH-2.0-OpenSSH_9.2", False), ("SSH-2.0-mydropbear_2019.78", False)):
            with self.subTest(name=name):
                wire = Wire(self.slot["host"], self.slot["port"], name)
                self.addCleanup(wire.close)
                wire.line()
                offer = wire.receive_until(KEXINIT)
                self.assertEqual(offered, b",hmac-sha2-256\0" in offer or b",hmac-sha2-256," in offer)
                self.assertIn(b"hmac-sha2-256-etm@openssh.com", offer)

    def test_openssh_finds_strict_key_exchange(self):
        device = self.device("strict", "-vvv")
        self.assert_chosen(device, rf"KEX algorithms: .*{re.escape(STRICT_SERVER)}")
        self.assertRegex(device.output, "will use strict KEX ordering")

    def exchange(self, strict, injected):
        """A key exchange with packets that do not belong there, up to the client's NEWKEYS."""
        wire = Wire(self.slot["host"], self.slot["port"])
        self.addCleanup(wire.close)
        wire.line()
        ignore = bytes([IGNORE]) + text("nothing")
        if injected == "before KEXINIT":
            wire.send(ignore)
        wire.send(kexinit(strict=strict))
        if injected == "after KEXINIT":
            wire.send(ignore)
        wire.send(bytes([ECDH_INIT]) + text(POINT))
        if injected == "before NEWKEYS":
            wire.send(ignore)
        wire.send(bytes([NEWKEYS]))
        return wire

    def test_a_packet_injected_into_the_key_exchange_ends_it_where_the_client_is_strict(self):
        slave = self.cluster.slave("slave-1")
        for injected in ("before KEXINIT", "after KEXINIT", "before NEWKEYS"):
            with self.subTest(injected=injected):
                wire = self.exchange(True, injected)
                self.assertTrue(wire.is_closed_within(3))  # the deadline for strangers is 5 s
                lines = wait_until(lambda: slave.log_lines(wire.address), 5, "a line on it")
                self.assertEqual(1, len(lines))
                self.assertIn("reason=protocol_error", lines[0])

    def test_the_key_exchange_goes_through_without_and_with_a_client_that_is_not_strict(self):
        for strict, injected in ((True, None), (False, None), (False, "after KEXINIT")):
            with self.subTest(strict=strict, injected=injected):
                wire = self.exchange(strict, injected)
                reply = wire.receive_until(ECDH_REPLY)
                self.assertIn(b"ssh-ed25519", reply)
                wire.receive_until(NEWKEYS)
                self.assertFalse(wire.is_closed_within(1))


class Configured(OneSlave):
    environment = {
        "MAS4H_SLAVE_SSH_HOST_KEYS": "ed25519,ecdsa,rsa",
        "MAS4H_SLAVE_SSH_KEY_EXCHANGES": ",".join((*KEXES, *MORE_KEXES)),
        "MAS4H_SLAVE_SSH_MACS": ",".join((*MACS, "hmac-sha2-256", "hmac-sha2-512")),
        "MAS4H_SLAVE_SSH_KEY_TYPES": "ssh-ed25519,rsa-sha2-512,ssh-rsa",
        "MAS4H_SLAVE_SSH_COMPRESSION": "yes",
    }

    def test_every_host_key_is_published_and_can_be_chosen(self):
        published = [line.split()[0] for line in self.slot["host_keys"]]
        self.assertEqual(["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"], published)
        for kind, algorithms in HOST_KEYS.items():
            for algorithm in algorithms:
                with self.subTest(algorithm=algorithm):
                    device = self.device(f"host-{algorithm}", "-o", f"HostKeyAlgorithms={algorithm}")
                    self.assert_chosen(device, f"kex: host key algorithm: {algorithm}\n")

    def test_the_host_keys_are_the_same_after_a_restart_and_only_the_slave_may_read_them(self):
        keys = self.slot["host_keys"]
        folder = self.cluster.dir / "keys" / "slave-1"
        for kind in HOST_KEYS:
            self.assertEqual(0o600, (folder / f"ssh_host_{kind}_key").stat().st_mode & 0o777)
        started = self.cluster.get("/v1/slaves/slave-1")["started_at"]
        self.cluster.slave("slave-1").restart_as_child(**self.environment)
        wait_until(lambda: self.cluster.get("/v1/slaves/slave-1")["started_at"] != started, 15, "the new start")
        self.assertEqual(keys, self.cluster.get("/v1/slaves/slave-1")["host_keys"])
        self.cluster.wait_until_ready()

    def test_what_the_configuration_names_can_be_chosen(self):
        for kex in MORE_KEXES:
            with self.subTest(kex=kex):
                self.assert_chosen(self.device(f"kex-{kex}", "-o", f"KexAlgorithms={kex}"), f"kex: algorithm: {kex}\n")
        self.assert_chosen(self.device("mac", "-c", "aes128-ctr", "-m", "hmac-sha2-256"), "MAC: hmac-sha2-256 ")
        self.assert_chosen(self.device("squeezed", "-C"), "compression: zlib@openssh.com")
        self.assert_chosen(self.device("sha-1", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa", kind="rsa"), "Allocated port")

    def test_a_kind_of_key_that_the_configuration_leaves_out_is_refused(self):
        self.assertIn("Permission denied", self.refused_device("left-out", kind="ecdsa"))


if __name__ == "__main__":
    unittest.main()
