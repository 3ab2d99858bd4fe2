"""OpenSSH certificates: a key of an authority lets a fleet in. Made by ssh-keygen, brought by ssh; what ssh would not
send comes packet by packet."""

import base64
import tempfile
from pathlib import Path

from cluster import (ClusterTestCase, Device, Program, dropbear_device, echoes, fingerprint, run, ssh_command,
                     wait_until)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from events import Subscriber
from ssh_wire import AUTH_FAILURE, AUTH_REQUEST, AUTH_SUCCESS, Client, take_text, text

TYPE = b"ssh-ed25519-cert-v01@openssh.com"


def blob_of(path):
    return base64.b64decode(Path(path).read_text().split()[1])


def raw_key(path):
    return load_ssh_private_key(Path(path).read_bytes(), None)


def authenticate(client, blob, key, algorithm=TYPE):
    """Shows `blob`, and signs with `key`: the server's answer, b"" where it ends the connection or says nothing."""
    request = (bytes([AUTH_REQUEST]) + text("device") + text("ssh-connection") + text("publickey") + b"\1" +
               text(algorithm) + text(blob))
    signature = key.sign(text(client.session_id) + request)
    client.send(request + text(text("ssh-ed25519") + text(signature)))
    try:
        while True:
            payload = client.receive()
            if payload[0] in (AUTH_FAILURE, AUTH_SUCCESS):
                return payload[:1]
    except (EOFError, OSError):
        return b""


class Certificates(ClusterTestCase):
    options = ("--slaves", "1")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mas4h-certificates-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        for name in ("ca", "short", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(cls.folder / name))
        cls.ca_keys, cls.revoked = cls.folder / "ca_keys", cls.folder / "revoked"
        cls.write_authorities()
        cls.revoked.write_text("# nothing yet\n")
        cls.environment = {
            "MAS4H_MASTER_AUTHORIZE_VALIDATORS": "certificates,authorized_keys",
            "MAS4H_MASTER_CERTIFICATES_CA_KEYS": str(cls.ca_keys),
            "MAS4H_MASTER_CERTIFICATES_REVOKED_KEYS": str(cls.revoked),
            "MAS4H_MASTER_AUTHORIZE_VALID_FOR": "0",
        }
        super().setUpClass()
        cls.subscriber = Subscriber(cls.cluster.description["nats_url"])
        cls.addClassCleanup(cls.subscriber.close)
        cls.slot = cls.cluster.slot_on("slave-1")
        cls.master = cls.cluster.masters[0]

    @classmethod
    def write_authorities(cls, more=""):
        cls.ca_keys.write_text(
            f"cert-authority,max-forwards=\"2\" {(cls.folder / 'ca.pub').read_text()}"
            f"cert-authority,principals=\"only-*\" {(cls.folder / 'short.pub').read_text()}{more}")

    def make(self, name, *options, ca="ca", kind="ed25519", principal=None):
        """A key called `name` that is in no file, and its certificate."""
        key = self.folder / name
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(key))
        run("ssh-keygen", "-q", "-s", str(self.folder / ca), "-I", f"id of {name}", "-n", principal or name, *options,
            f"{key}.pub")
        return key

    def command(self, key):
        return ssh_command(self.cluster, self.slot, key, "-o", f"CertificateFile={key}-cert.pub", "-N", "-T",
                           "-R", f"0:127.0.0.1:{self.echo.port}")

    def start(self, commands):
        """All at once; a command writes the hosts that are known, so all of them are made before."""
        devices = [Device(command) for command in commands]
        for device in devices:
            self.addCleanup(device.stop)
        return devices

    def connect_with(self, key):
        return self.start([self.command(key)])[0]

    def stranger(self, timeout=10):
        client = Client(self.slot["host"], self.slot["port"], timeout=timeout)
        self.addCleanup(client.close)
        client.request_service()
        return client

    def assert_refused(self, key, why, program=None):
        program = program or self.connect_with(key)
        self.assertEqual(255, program.end(20)[0])
        self.assertIn("Permission denied (publickey)", program.output)
        print_of_key = fingerprint(f"{key}.pub")
        refuse = self.subscriber.wait_for(
            "refuse", where=lambda r: why in r.detail and r.key_fingerprint == print_of_key)
        self.assertEqual("REFUSE_REASON_KEY_DENIED", self.subscriber.reason_name(refuse))

    def test_a_certificate_lets_in_and_its_principal_names_the_device(self):
        makings = (("of-ed25519", (), {}), ("of-rsa", (), {"kind": "rsa"}), ("of-ecdsa", (), {"kind": "ecdsa"}),
                   ("two-names", (), {"principal": "two-names,second-name"}), ("only-this", (), {"ca": "short"}),
                   ("near", ("-O", "source-address=127.0.0.0/8,::1/128"), {}))
        devices = self.start([self.command(self.make(name, *options, **more)) for name, options, more in makings])
        for (name, _, _), device in zip(makings, devices):
            with self.subTest(name):
                self.assertTrue(echoes(device.port))
                wait_until(lambda name=name: self.cluster.tunnel(name), 10, f"REST showing {name}")

    def test_without_its_certificate_the_key_is_not_known(self):
        key = self.make("bare")
        Path(f"{key}-cert.pub").unlink()
        program = Program(ssh_command(self.cluster, self.slot, key, "-N", "-R", "0:127.0.0.1:9"))
        self.addCleanup(program.stop)
        self.assertEqual(255, program.end(20)[0])
        dropbear = self.folder / "bare.dropbear"  # which has no certificates
        run("dropbearconvert", "openssh", "dropbear", str(key), str(dropbear))
        device = dropbear_device(self.cluster, self.slot, dropbear, self.echo.port)
        self.addCleanup(device.stop)
        self.assertNotEqual(0, device.end(20)[0])

    def test_what_is_not_good_here_is_refused_and_why_is_said(self):
        cases = [(self.make(name, *options), why) for name, why, options in (
            ("expired", "has expired", ("-V", "-2d:-1d")),
            ("early", "is not valid yet", ("-V", "+1d:+2d")),
            ("elsewhere", "not for this address", ("-O", "source-address=10.0.0.0/8")),
            ("commanded", "for one command only", ("-O", "force-command=/bin/true")),
            ("touched", "asks for a PIN", ("-O", "verify-required")),
            ("novel", "critical option that is not known", ("-O", "critical:new@example.com=1")),
            ("closed", "does not permit port forwarding", ("-O", "no-port-forwarding")))]
        cases.append((self.make("else-1", ca="short"), "may not give this name"))
        cases.append((self.make("strange", ca="stranger"), "no validator knows the key"))
        programs = self.start([self.command(key) for key, _ in cases])
        for (key, why), program in zip(cases, programs):
            with self.subTest(key.name):
                self.assert_refused(key, why, program)

    def test_a_stolen_certificate_is_worth_nothing_without_its_key(self):
        stolen, own = self.make("victim"), raw_key(self.make("thief"))
        self.assertNotEqual(bytes([AUTH_SUCCESS]), authenticate(self.stranger(1), blob_of(f"{stolen}-cert.pub"), own))
        # With the key it is let in: only the signature was wrong.
        self.assertEqual(bytes([AUTH_SUCCESS]),
                         authenticate(self.stranger(), blob_of(f"{stolen}-cert.pub"), raw_key(stolen)))

    def test_a_key_that_was_put_into_anothers_certificate_is_refused(self):
        blob, own = blob_of(f"{self.make('honest')}-cert.pub"), raw_key(self.make("swapper"))
        kind, rest = take_text(blob)
        nonce, rest = take_text(rest)
        _, rest = take_text(rest)
        forged = text(kind) + text(nonce) + text(own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)) + rest
        self.assertEqual(bytes([AUTH_FAILURE]), authenticate(self.stranger(), forged, own))
        self.subscriber.wait_for("refuse", where=lambda r: "not signed by the authority" in r.detail)

    def test_a_hosts_certificate_lets_nobody_in(self):
        key = self.make("machine", "-h")
        self.assertEqual(bytes([AUTH_FAILURE]), authenticate(self.stranger(), blob_of(f"{key}-cert.pub"), raw_key(key)))
        self.subscriber.wait_for("refuse", where=lambda r: "is a host's" in r.detail)

    def test_a_damaged_certificate_harms_nobody(self):
        key = self.make("damaged")
        blob = blob_of(f"{key}-cert.pub")
        for broken in (blob[:-1], blob[:40], blob + b"\0", text(TYPE), blob[:60] + b"\xff\xff\xff\xff" + blob[64:]):
            self.assertNotEqual(bytes([AUTH_SUCCESS]), authenticate(self.stranger(1), broken, raw_key(key)))
        self.assertTrue(echoes(self.connect_with(key).port))

    def test_lists_of_revoked_keys_are_read_again(self):
        key = self.make("leaver", "-z", "4711")
        leaver = self.connect_with(key)
        self.assertTrue(echoes(leaver.port))
        spec = self.folder / "spec"
        spec.write_text("serial: 4711\n")
        run("ssh-keygen", "-q", "-k", "-f", f"{self.revoked}.new", "-s", str(self.folder / "ca.pub"), str(spec))
        self.replace(self.revoked, Path(f"{self.revoked}.new").read_bytes(), "entries=1 version=0 revoked keys are read")
        # What it had is cut.
        self.assertEqual(255, leaver.end(10)[0])
        self.assert_refused(key, "the certificate is revoked (id of leaver, serial 4711)")
        self.connect_with(self.make("stayer", "-z", "4712")).port
        # A damaged one leaves the one of before in force.
        self.replace(self.revoked, b"SSHKRL\n\0hello", "what was there before holds")
        self.assert_refused(key, "the certificate is revoked (id of leaver, serial 4711)")
        self.replace(self.revoked, Path(f"{key}.pub").read_bytes(), "entries=1 version=0 revoked keys are read")
        self.assert_refused(key, "the key is revoked (id of leaver, serial 4711)")
        self.replace(self.revoked, b"", "entries=0 version=0 revoked keys are read")
        self.connect_with(key).port

    def test_authorities_are_read_again_and_a_bad_line_is_told_of(self):
        run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(self.folder / "later"))
        key = self.make("newcomer", ca="later")
        self.assert_refused(key, "no validator knows the key")
        self.write_authorities((self.folder / "later.pub").read_text() + "novel=\"x\" ssh-rsa AAAA\n")
        wait_until(lambda: self.master.log_lines(
            "line=4", "option novel"), 15, "a line on the bad line")
        self.connect_with(key).port

    def replace(self, path, data, said):
        before = len(self.master.log_lines(said))
        path.write_bytes(data)
        wait_until(lambda: len(self.master.log_lines(said)) > before, 15, said)

