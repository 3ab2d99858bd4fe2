"""What an adversary tries who is a stranger, a device, an operator, a slave or a viewer of the bus: a small cluster
under the users of deploy/nats/make-users, attacked packet by packet. docs/SECURITY-MODEL.md names the test of each
attack; those that have a file of their own are there."""

import contextlib
import json
import re
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import test_nats_tls
import test_permissions
from cluster import BUILD, ROOT, EchoServer, echoes, fingerprint, run, ssh_device, wait_until
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from events import message_module
from own_service import OwnService
from ssh_wire import (AUTH_REQUEST, AUTH_SUCCESS, CHANNEL_CONFIRM, CHANNEL_FAILURE, CHANNEL_OPEN, REQUEST_FAILURE,
                      REQUEST_SUCCESS, Client, forward_request, numbers, take_text, text)

REVOKE, DEVICES, HELLO = "mas4h.v1.control.revoke", "mas4h.v1.master.devices", "mas4h.v1.master.hello"
STREAM = "MAS4H_EVENTS"
IGNORED = "what a stream delivers here is ignored"


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        cls.dir = Path(tempfile.mkdtemp(prefix="attacks-", dir=parent))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.echo = EchoServer()
        cls.addClassCleanup(cls.echo.close)
        cls.start_nats()
        cls.start_services()
        cls.ports = {name: cls.device(name, slave).port for name, slave in
                     (("berlin-1", "slave-1"), ("paris-1", "slave-1"), ("paris-2", "slave-2"))}

    @classmethod
    def start_nats(cls):
        cls.users = cls.dir / "users"
        subprocess.run(
            [ROOT / "deploy" / "nats" / "make-users", "--out", cls.users, "--master", "master-1", "--slave", "eu/slave-1",
             "--slave", "eu/slave-2", "--slave", "eu/slave-3", "--viewer", "viewer-1"],
            check=True, stdout=subprocess.DEVNULL)
        config = cls.dir / "nats.conf"
        config.write_text(f'jetstream {{ store_dir: "{cls.dir}/store" }}\ninclude "users/users.conf"\n')
        cls.server = test_nats_tls.NatsServer(cls.dir, "-c", config)
        cls.addClassCleanup(cls.server.close)
        cls.description = {"nats_url": f"nats://127.0.0.1:{cls.server.port}"}

    @classmethod
    def start_services(cls):
        cls.authorized_keys = cls.dir / "devices.keys"
        lines = [cls.key_line(name, options) for name, options in (
            ("berlin-1", 'labels="site=berlin"'), ("paris-1", 'labels="site=paris"'), ("paris-2", ""), ("thief", ""),
            ("alice", 'operator="alice",permitopen="berlin-*:*"'),
            ("carol", 'operator="carol",permit-labels="site=berlin"'))]
        cls.authorized_keys.write_text("".join(lines))
        cls.master = cls.service("master", "master-1", {})
        # The port for devices alone is open to the network.
        slave = {"slave": {"region": "eu"}, "device": {"listen": "0.0.0.0:0", "host": "127.0.0.1"},
                 "tunnel": {"address": "127.0.0.1"}}
        cls.slaves = {name: cls.service("slave", name, slave) for name in ("slave-1", "slave-2")}

    @classmethod
    def service(cls, kind, name, settings):
        nats = {"user": name, "password_file": cls.users / f"{name}.password", "inbox_prefix": f"_INBOX.{name}"}
        service = OwnService(cls, kind, name, {"nats": nats, **settings})
        cls.addClassCleanup(service.stop)
        return service

    @classmethod
    def key_line(cls, name, options):
        key = cls.dir / f"{name}.key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
        return f"{options} {Path(f'{key}.pub').read_text()}".lstrip()

    @classmethod
    def key(cls, name):
        return cls.dir / f"{name}.key"

    @classmethod
    def port_of(cls, slave):
        return int(cls.slaves[slave].address("device").rpartition(":")[2])

    @classmethod
    def known_hosts(cls, slot):
        path = cls.dir / f"known_hosts.{slot['slave_id']}"
        public = run("ssh-keygen", "-y", "-f", str(cls.slaves[slot["slave_id"]].folder / "keys" / "ssh_host_ed25519_key"))
        path.write_text(f"[127.0.0.1]:{slot['port']} {public}")
        return path

    @classmethod
    def device(cls, name, slave):
        slot = {"slave_id": slave, "host": "127.0.0.1", "port": cls.port_of(slave)}
        device = ssh_device(cls, slot, cls.key(name), cls.echo.port)
        cls.addClassCleanup(device.stop)
        device.wait_for("Allocated port")
        return device

    # --- by SSH -----------------------------------------------------------------------------

    def connect(self, slave="slave-1"):
        client = Client("127.0.0.1", self.port_of(slave))
        self.addCleanup(client.close)
        client.request_service()
        return client

    def session(self, name, slave="slave-1"):
        client = self.connect(slave)
        client.authenticate(self.key(name))
        return client

    @staticmethod
    def open_direct(client, host, port):
        """The words of the refusal; None: it was opened."""
        client.send(bytes([CHANNEL_OPEN]) + text("direct-tcpip") + numbers(7, 1 << 20, 32768) + text(host) +
                    numbers(port) + text("127.0.0.1") + numbers(4711))
        while (payload := client.receive())[0] not in (CHANNEL_CONFIRM, CHANNEL_FAILURE):
            pass
        return take_text(payload[9:])[0].decode() if payload[0] == CHANNEL_FAILURE else None

    @staticmethod
    def ask_forward(client, address, port):
        """The port that it gets; None: refused."""
        client.send(forward_request(address, port))
        while (payload := client.receive())[0] not in (REQUEST_SUCCESS, REQUEST_FAILURE):
            pass
        if payload[0] == REQUEST_FAILURE:
            return None
        return struct.unpack(">I", payload[1:5])[0] if port == 0 else port

    def places(self):
        """Where no one may get by a slave: itself, its neighbours, what listens beside it."""
        return [(host, port) for host in ("127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0", "slave-1", "")
                for port in (self.echo.port, self.server.port, self.port_of("slave-1"))]

    def public(self, name):
        key = load_ssh_private_key(self.key(name).read_bytes(), None).public_key()
        return text("ssh-ed25519") + text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def test_the_public_half_of_a_key_is_not_enough(self):
        """A device's key is signed for by another, or with what was signed in another session."""
        thief = load_ssh_private_key(self.key("thief").read_bytes(), None)
        victim = load_ssh_private_key(self.key("berlin-1").read_bytes(), None)
        request = (bytes([AUTH_REQUEST]) + text("device") + text("ssh-connection") + text("publickey") + b"\1" +
                   text("ssh-ed25519") + text(self.public("berlin-1")))
        overheard = victim.sign(text(self.connect().session_id) + request)
        for signature in (lambda client: thief.sign(text(client.session_id) + request), lambda _: overheard):
            client = self.connect()
            client.send(request + text(text("ssh-ed25519") + text(signature(client))))
            client.socket.settimeout(1)
            with contextlib.suppress(EOFError, OSError):
                while True:
                    self.assertNotEqual(AUTH_SUCCESS, client.receive()[0])
        self.assertTrue(echoes(self.ports["berlin-1"]))

    def test_a_device_opens_nothing(self):
        client = self.session("thief")
        for host, port in [("berlin-1", 22), ("paris-2", 22), ("thief", 22), *self.places()]:
            self.assertIsNotNone(self.open_direct(client, host, port), f"{host}:{port}")

    def test_a_device_does_not_get_the_port_of_another(self):
        client = self.session("thief")
        for address in ("", "127.0.0.1", "0.0.0.0", "localhost"):
            self.assertIsNone(self.ask_forward(client, address, self.ports["berlin-1"]))
        for port in (22, 80, self.port_of("slave-1"), self.echo.port, self.server.port):
            self.assertIsNone(self.ask_forward(client, "", port), port)
        self.assertTrue(echoes(self.ports["berlin-1"]))

    def test_an_operator_gets_no_port(self):
        self.assertIsNone(self.ask_forward(self.session("alice"), "", 0))

    def test_an_operator_reaches_neither_the_slave_nor_its_neighbours(self):
        for name in ("alice", "carol"):
            client = self.session(name)
            for host, port in self.places():
                self.assertIsNotNone(self.open_direct(client, host, port), f"{name}: {host}:{port}")

    def test_no_spelling_of_a_name_opens_what_the_rules_do_not(self):
        client = self.session("alice")
        self.assertIsNone(self.open_direct(client, "berlin-1", 22))
        for host in (b"paris-1", b"paris-2", b"*", b"?aris-1", b"paris-*", b"paris-1\0berlin-1", b"paris-1\nberlin-1",
                     b"berlin-*", b"berlin-?", b"berlin-1/../paris-1", b"berlin-1@paris-1", b"paris-1:22", b"berlin-1:22",
                     b"BERLIN-1", b"berlin-1.", b" berlin-1", b"berlin-1 ", b"[berlin-1]", b"berlin-\xff", b"\xff",
                     "berlin-１".encode(), b"berlin-" + b"1" * 122, b"berlin-" + b"*" * 4000, b"%s%n"):
            self.assertIsNotNone(self.open_direct(client, host, 22), host)
        for port in (0, 2, 21, 23, 65535, self.ports["paris-1"], 0xFFFFFFFF):
            self.assertIsNotNone(self.open_direct(client, "berlin-1", port), port)
        self.assertIsNone(self.open_direct(client, "berlin-1", self.ports["berlin-1"]))

    def test_whose_labels_are_for_others_is_told_of_like_who_is_not_there(self):
        """Here, at another slave, and nowhere."""
        client = self.session("carol")
        said = {self.open_direct(client, name, 22).replace(name, "NAME") for name in ("paris-1", "paris-2", "nobody-1")}
        self.assertEqual({"carol may not reach NAME at port 22, or it is not connected"}, said)
        self.assertIsNone(self.open_direct(client, "berlin-1", 22))

    # --- by the bus -------------------------------------------------------------------------

    def client(self, user):
        client = test_permissions.Client(self.server.port, user, (self.users / f"{user}.password").read_text().strip())
        self.addCleanup(client.close)
        client.inbox = f"_INBOX.{user}"
        return client

    def say(self, client, subject, message):
        content = message.SerializeToString()
        client.send(f"PUB {subject} {len(content)}\r\n")
        client.socket.sendall(content + b"\r\n")
        self.assertEqual("", client.answer())

    def forged_start(self, *keys):
        """Of slave-3, which calls these its host keys."""
        event = message_module("event").Event(
            event_id=f"slave-3:{time.time_ns()}:1", slave_id="slave-3", region="eu", epoch=time.time_ns() // 1000000, seq=1)
        event.time.GetCurrentTime()
        info = event.start.info
        info.host, info.port, info.capacity, info.version = "127.0.0.1", 1, 100, "5.0.0"
        info.started_at.GetCurrentTime()
        info.host_keys.extend(" ".join(Path(f"{self.key(key)}.pub").read_text().split()[:2]) for key in keys)
        return event

    def test_a_slave_that_calls_the_key_of_another_its_host_key_changes_nobody(self):
        """Neither is the device refused as a slave, nor does the operator get a slave's rights."""
        subject = "mas4h.v1.events.eu.slave-3.start"
        self.say(self.client("slave-3"), subject, self.forged_start("thief", "alice"))
        client = self.session("alice", "slave-2")
        self.master.wait_for("slave=slave-3 .*a slave calls somebody else's key its host key")
        self.assertIn("alice may not reach paris-2", self.open_direct(client, "paris-2", 22))
        self.assertIsNotNone(self.ask_forward(self.session("thief", "slave-2"), "", 0))

    def test_a_slave_cannot_speak_as_a_master_nor_hear_its_questions(self):
        slave = self.client("slave-3")
        for subject in (REVOKE, DEVICES, HELLO, "mas4h.v1.master.reservations", "mas4h.v1.rpc.devices.put",
                        "mas4h.v1.rpc.revoke", "mas4h.v1.master.master-1.revoke", "mas4h.v1.audit.slave-3",
                        "mas4h.v1.slave.slave-1.drain", "mas4h.v1.events.eu.slave-1.start", "_INBOX.slave-1.x.1"):
            self.assertIn("Permissions Violation", slave.publish(subject), subject)
        for subject in ("mas4h.v1.rpc.authorize", "mas4h.v1.rpc.locate", "mas4h.v1.master.master-1.authorize",
                        "_INBOX.slave-1.>", "_INBOX.*.*.*"):
            self.assertIn("Permissions Violation", slave.subscribe(subject), subject)

    def deliver(self, viewer, number, stored, subject):
        """Has the stream deliver what was stored under one subject to another, pushed and pulled."""
        config = {"durable_name": f"push-{number}", "deliver_subject": subject, "filter_subject": stored,
                  "ack_policy": "none"}
        pull = {"durable_name": f"pull-{number}", "filter_subject": stored, "ack_policy": "explicit"}
        for consumer in (config, pull):
            made = json.loads(viewer.ask(viewer.inbox, f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{consumer['durable_name']}",
                                         json.dumps({"stream_name": STREAM, "config": consumer}).encode()))
            self.assertNotIn("error", made)
        viewer.send(f"PUB $JS.API.CONSUMER.MSG.NEXT.{STREAM}.pull-{number} {subject} 0\r\n\r\n")
        for name in (f"push-{number}", f"pull-{number}"):
            wait_until(lambda: json.loads(viewer.ask(viewer.inbox, f"$JS.API.CONSUMER.INFO.{STREAM}.{name}"))[
                "delivered"]["consumer_seq"] > 0, 10, f"{name} delivered")

    def test_what_a_slave_has_stored_is_not_made_a_masters_word_by_a_viewer(self):
        """A slave stores any bytes as its event; a viewer has the server deliver them where neither may publish."""
        slave, viewer = self.client("slave-3"), self.client("viewer-1")
        ban = message_module("command").Revoke(client_key="berlin-1", banned=True, stamp=(time.time_ns() // 1000000) << 16,
                                               actor="nobody", reason="forged")
        stored = "mas4h.v1.events.eu.slave-3.access"
        self.say(slave, stored, ban)
        self.deliver(viewer, 1, stored, REVOKE)
        for service in (self.master, self.slaves["slave-1"], self.slaves["slave-2"]):
            service.wait_for(f"subject={stored} .*{IGNORED}")
        self.assertTrue(echoes(self.ports["berlin-1"]))
        self.assertIsNone(self.open_direct(self.session("alice"), "berlin-1", 22))

    def test_what_a_slave_has_stored_adds_no_record_to_the_masters(self):
        slave, viewer = self.client("slave-3"), self.client("viewer-1")
        key = self.dir / "mallory.key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        changed = message_module("device").DevicesChanged()
        device = changed.devices.add(key_fingerprint=fingerprint(f"{key}.pub"), public_key=self.public("mallory"), state=1,
                                     client_key="mallory", stamp=(time.time_ns() // 1000000) << 16)
        device.created_at.GetCurrentTime()
        stored = "mas4h.v1.events.eu.slave-3.reload"
        self.say(slave, stored, changed)
        self.deliver(viewer, 2, stored, DEVICES)
        self.master.wait_for(f"subject={stored} .*{IGNORED}")

    # --- private mode -----------------------------------------------------------------------

    def listeners(self, service):
        """{(address, port)} on which a process listens."""
        lines = run("ss", "-ltnpH").splitlines()
        own = [line.split()[3] for line in lines if f"pid={service.process.pid}," in line]
        self.assertTrue(own)
        return {(address.rpartition(":")[0], int(address.rpartition(":")[2])) for address in own}

    def test_nothing_but_the_port_for_devices_is_open_to_the_network(self):
        """Also where a device asks for more than the slave gives."""
        client = self.session("thief", "slave-2")
        port = self.ask_forward(client, "0.0.0.0", 0)
        for name, slave in self.slaves.items():
            open_ones = {listener for listener in self.listeners(slave) if listener[0] != "127.0.0.1"}
            self.assertEqual({("0.0.0.0", self.port_of(name))}, open_ones)
        if port is not None:
            self.assertIn(("127.0.0.1", port), self.listeners(self.slaves["slave-2"]))
        self.assertEqual({"127.0.0.1"}, {address for address, _ in self.listeners(self.master)})
        self.assertIsNone(self.open_direct(self.session("alice", "slave-2"), "berlin-1", 22))


if __name__ == "__main__":
    unittest.main()
