"""Who a service says it is on the bus: a .creds file of an operator, a client's certificate; and what it does when the
file with its secret changes. Real nats-servers that check it."""

import base64
import json
import os
import shutil
import signal
import tempfile
import time
import unittest
from pathlib import Path

import test_nats_tls
from cluster import BUILD, Program, read_text, wait_until
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3
RAW = serialization.Encoding.Raw


def checksum(data):
    """CRC-16 as XMODEM has it, little end first."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def base32(data):
    return base64.b32encode(data + checksum(data)).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A pair of nkeys; it signs claims as JSON web tokens."""

    def __init__(self, kind):
        self.kind = kind
        self.private = Ed25519PrivateKey.generate()
        self.public = base32(bytes([kind]) + self.private.public_key().public_bytes(RAW, serialization.PublicFormat.Raw))

    @property
    def seed(self):
        raw = self.private.private_bytes(RAW, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return base32(bytes([SEED | self.kind >> 5, (self.kind & 31) << 3]) + raw)

    def sign(self, subject, name, claims):
        payload = {"jti": os.urandom(16).hex(), "iat": int(time.time()), "iss": self.public, "sub": subject.public,
                   "name": name, "nats": {"version": 2, **claims}}
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, payload))
        return f"{text}.{base64url(self.private.sign(text.encode()))}"


class Operator:
    """An operator with one account; `config` is what a nats-server needs of it."""

    def __init__(self):
        self.operator, self.account = Key(OPERATOR), Key(ACCOUNT)
        unlimited = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
        account = self.operator.sign(self.account, "mas4h", {
            "type": "account", "limits": {**unlimited, "wildcards": True}, "default_permissions": {"pub": {}, "sub": {}}})
        operator = self.operator.sign(self.operator, "operator", {"type": "operator"})
        self.config = f"operator: {operator}\nresolver: MEMORY\nresolver_preload {{ {self.account.public}: {account} }}\n"

    def credentials(self, name):
        """The text of a .creds file."""
        user = Key(USER)
        token = self.account.sign(user, name, {"type": "user", "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
        return (f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
                f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")


class Credentials(unittest.TestCase):
    def setUp(self):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="credentials-", dir=parent))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start_server(self, text, *options):
        config = self.folder / "nats.conf"
        config.write_text(text)
        server = test_nats_tls.NatsServer(self.folder, "-c", config, *options)
        self.addCleanup(server.close)
        return server

    def start_master(self, server, scheme="nats", **nats):
        self.ready_file = Path(tempfile.mkdtemp(dir=self.folder)) / "ready"
        settings = {"nats.url": f"{scheme}://127.0.0.1:{server.port}", "run.ready_file": self.ready_file,
                    "http.listen": "127.0.0.1:0", **{f"nats.{key}": value for key, value in nats.items()}}
        arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        program = Program([BUILD / "bin" / "mas4h-master", *arguments])
        self.addCleanup(test_nats_tls.NatsTls.end, program)
        return program

    def test_a_master_comes_in_with_a_creds_file_and_one_of_another_operator_does_not(self):
        operator = Operator()
        server = self.start_server(operator.config)
        creds = self.folder / "master.creds"
        creds.write_text(Operator().credentials("master-1"))
        master = self.start_master(server, credentials=creds)
        master.wait_for("Authorization Violation.*cannot connect")
        self.assertFalse(self.ready_file.exists())
        creds.write_text(operator.credentials("master-1"))  # and it is read when it tries again
        wait_until(self.ready_file.exists, 20, "a ready master")

    def test_a_password_that_changes_is_read_for_the_next_connection(self):
        text = 'accounts {{ A {{ users: [ {{ user: m, password: "{}" }} ] }} }}\n'
        server = self.start_server(text.format("first"))
        secret = self.folder / "password"
        secret.write_text("first\n")
        master = self.start_master(server, user="m", password_file=secret)
        wait_until(self.ready_file.exists, 20, "a ready master")
        secret.write_text("second\n")
        Path(self.folder / "nats.conf").write_text(text.format("second"))
        os.kill(server.process.pid, signal.SIGHUP)  # the server ends connections of users that are no more
        master.wait_for(r"disconnected[^$]*are read again[^$]*bus connected")

    def test_a_server_that_wants_a_certificate_of_its_clients_gets_it(self):
        authority = test_nats_tls.Authority(self.folder, "ours")
        certificate, key = authority.issue("server", "IP:127.0.0.1")
        server = self.start_server(
            f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.certificate}", verify: true }}\n')
        own, own_key = authority.issue("master-1", "DNS:master-1")
        self.start_master(server, "tls", tls_ca=authority.certificate, tls_cert=own, tls_key=own_key)
        wait_until(self.ready_file.exists, 20, "a ready master")

        stranger = test_nats_tls.Authority(self.folder, "other").issue("stranger", "DNS:master-1")
        for nats in ({}, {"tls_cert": stranger[0], "tls_key": stranger[1]}):
            log = read_text(server.log)
            self.start_master(server, "tls", tls_ca=authority.certificate, **nats).wait_for("cannot connect")
            self.assertFalse(self.ready_file.exists())
            self.assertIn("TLS handshake error", read_text(server.log)[len(log):])


if __name__ == "__main__":
    unittest.main()
