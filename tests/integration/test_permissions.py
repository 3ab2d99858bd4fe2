"""Least privilege on the bus: deploy/nats/nats-server.conf as it is shipped, in a real nats-server that enforces
it. Whoever has one kind of user can do no more than that kind of program does."""

import itertools
import re
import shutil
import socket
import tempfile
import unittest
import urllib.request
from pathlib import Path

import test_nats_tls
from cluster import BUILD, ROOT, Program, wait_until

PASSWORDS = {"master": "replace-1", "slave": "replace-2", "gateway": "replace-3", "viewer": "replace-4"}
# A pair made by nkeys.js, for this test only.
SEED = "SUAOS6BQLJU2VLIBSSQJR5GRNRXVZASJPLBNCUBY7INB2SOSYV7Y5Z75KA"
PUBLIC = "UCW4B7HZDAJ4XCUX4IFPM2DHMY4TCDYDTEFNVJDHFXJKD2FJLIYKRGNZ"


class Client:
    """A stranger's client: lines of the NATS protocol."""

    numbers = itertools.count(1)

    def __init__(self, port, user=None, password=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        access = f'"user":"{user}","pass":"{password or PASSWORDS[user]}",' if user else ""
        self.send(f'CONNECT {{{access}"verbose":false,"pedantic":false}}\r\n')

    def send(self, text):
        self.socket.sendall(text.encode())

    def answer(self, command=""):
        """What the server says to the command before it answers a ping."""
        said = []
        self.send(command + "PING\r\n")
        while True:
            line = self.lines.readline().decode().strip()
            if line == "PONG" or not line:
                return " ".join(said)
            said.append(line)

    def publish(self, subject):
        return self.answer(f"PUB {subject} 1\r\nx\r\n")

    def subscribe(self, subject, queue=""):
        return self.answer(f"SUB {subject} {queue} 1\r\n")

    def ask(self, inbox, subject, body=b""):
        """One request; the answer, which comes to a subject below `inbox`. What was asked for before is done then."""
        number = next(self.numbers)
        answer_to = f"{inbox}.ask.{number}"
        self.send(f"SUB {answer_to} {number}\r\nPUB {subject} {answer_to} {len(body)}\r\n")
        self.socket.sendall(body + b"\r\n")
        while not (line := self.lines.readline().decode()).startswith(f"MSG {answer_to} "):
            if line == "" or "-ERR" in line:
                raise AssertionError(line or "the server has closed the connection")
        return self.lines.read(int(line.split()[-1]) + 2)[:-2]

    def close(self):
        self.lines.close()
        self.socket.close()


class Permissions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        cls.folder = Path(tempfile.mkdtemp(prefix="permissions-", dir=parent))
        text = (ROOT / "deploy" / "nats" / "nats-server.conf").read_text()
        lines = [line for line in text.splitlines() if not line.startswith(("listen:", "http:"))]
        cls.config = cls.folder / "nats.conf"
        cls.config.write_text("\n".join(lines).replace(
            "    users: [", f'    users: [\n      {{ nkey: {PUBLIC} }}', 1) + "\n")
        cls.server = test_nats_tls.NatsServer(cls.folder, "-c", cls.config)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def client(self, user=None):
        client = Client(self.server.port, user)
        self.addCleanup(client.close)
        return client

    def check(self, user, allowed=(), denied=()):
        client = self.client(user)
        for kind, subject in allowed:
            self.assertEqual("", getattr(client, kind)(subject), f"{user}: {kind} {subject}")
        for kind, subject in denied:
            self.assertIn("Permissions Violation", getattr(client, kind)(subject), f"{user}: {kind} {subject}")

    def test_a_slave_publishes_events_and_asks_for_keys_and_no_more(self):
        self.check("slave", [
            ("publish", "mas4h.v1.events.eu.slave-1.connect"), ("publish", "mas4h.v1.rpc.authorize"),
            ("subscribe", "mas4h.v1.slave.slave-1.kick"), ("subscribe", "mas4h.v1.control.revoke"),
            ("subscribe", "mas4h.v1.master.hello"), ("publish", "mas4h.v1.master.master-1.authorize"),
            ("publish", "mas4h.v1.events.eu.slave-1.access"), ("publish", "mas4h.v1.rpc.locate"),
            ("publish", "mas4h.v1.master.master-1.locate"), ("publish", "mas4h.v1.master.master-1.revocations"),
        ], [
            ("publish", "mas4h.v1.rpc.revoke"), ("publish", "mas4h.v1.rpc.devices.put"),
            ("publish", "mas4h.v1.master.devices"), ("publish", "mas4h.v1.master.master-1.devices.put"),
            ("publish", "mas4h.v1.audit.slave-1"), ("subscribe", "mas4h.v1.rpc.locate"),
            ("publish", "mas4h.v1.master.master-1.dispatch"), ("subscribe", "mas4h.v1.master.master-1.>"),
            ("publish", "mas4h.v1.slave.slave-2.snapshot"), ("publish", "mas4h.v1.slave.slave-2.kick"),
            ("publish", "mas4h.v1.rpc.dispatch"), ("publish", "mas4h.v1.control.revoke"),
            ("publish", "mas4h.v1.master.hello"), ("publish", "$JS.API.STREAM.DELETE.MAS4H_EVENTS"),
            ("subscribe", "mas4h.v1.events.>"), ("subscribe", "mas4h.v1.rpc.authorize"),
        ])

    def test_a_gateway_only_asks(self):
        self.check("gateway", [
            ("publish", "mas4h.v1.rpc.dispatch"), ("publish", "mas4h.v1.rpc.status.tunnels"),
            ("publish", "mas4h.v1.slave.slave-1.kick"), ("subscribe", "_INBOX.a.>"),
            ("publish", "mas4h.v1.master.master-1.dispatch"), ("publish", "mas4h.v1.master.master-1.status.tunnels"),
            ("subscribe", "mas4h.v1.master.hello"), ("publish", "mas4h.v1.rpc.devices.put"),
            ("publish", "mas4h.v1.master.master-1.devices.list"), ("publish", "mas4h.v1.rpc.revoke"),
            ("publish", "mas4h.v1.master.master-1.revoke"), ("publish", "mas4h.v1.rpc.revocations"),
            ("publish", "mas4h.v1.audit.gateway-1"), ("subscribe", "mas4h.v1.audit.*"),
        ], [
            ("publish", "mas4h.v1.master.devices"), ("publish", "mas4h.v1.rpc.locate"),
            ("subscribe", "mas4h.v1.control.revoke"), ("subscribe", "mas4h.v1.rpc.devices.put"),
            ("publish", "mas4h.v1.master.master-1.authorize"), ("publish", "mas4h.v1.master.hello"),
            ("publish", "mas4h.v1.events.eu.slave-1.connect"), ("publish", "mas4h.v1.rpc.authorize"),
            ("publish", "mas4h.v1.control.revoke"), ("publish", "mas4h.v1.slave.slave-1.snapshot"),
            ("publish", "$JS.API.STREAM.DELETE.MAS4H_EVENTS"), ("subscribe", "mas4h.v1.rpc.>"),
        ])

    def test_a_subscriber_only_reads(self):
        self.check("viewer", [
            ("subscribe", "mas4h.v1.events.>"), ("publish", "mas4h.v1.rpc.status.tunnels"),
            ("publish", "$JS.API.CONSUMER.DURABLE.CREATE.MAS4H_EVENTS.mine"),
            ("publish", "$JS.API.CONSUMER.MSG.NEXT.MAS4H_EVENTS.mine"), ("subscribe", "mas4h.v1.audit.*"),
        ], [
            ("publish", "mas4h.v1.audit.viewer"), ("publish", "mas4h.v1.rpc.devices.list"),
            ("publish", "mas4h.v1.rpc.revoke"), ("publish", "mas4h.v1.rpc.locate"),
            ("publish", "mas4h.v1.events.eu.slave-1.connect"), ("publish", "mas4h.v1.rpc.dispatch"),
            ("publish", "mas4h.v1.slave.slave-1.kick"), ("publish", "$JS.API.STREAM.CREATE.MINE"),
            ("publish", "$JS.API.STREAM.DELETE.MAS4H_EVENTS"), ("publish", "$JS.API.STREAM.PURGE.MAS4H_EVENTS"),
            ("publish", "$JS.API.STREAM.MSG.DELETE.MAS4H_EVENTS"),
        ])

    def test_a_master_cannot_speak_as_a_slave(self):
        self.check("master", [
            ("subscribe", "mas4h.v1.events.>"), ("publish", "mas4h.v1.slave.slave-1.snapshot"),
            ("publish", "mas4h.v1.master.hello"), ("publish", "mas4h.v1.master.reservations"),
            ("subscribe", "mas4h.v1.master.>"), ("publish", "$JS.API.STREAM.CREATE.MAS4H_EVENTS"),
            ("publish", "mas4h.v1.control.revoke"), ("subscribe", "mas4h.v1.control.revoke"),
            ("publish", "mas4h.v1.master.devices"), ("publish", "mas4h.v1.master.master-2.devices.list"),
            ("publish", "mas4h.v1.master.master-2.revocations"), ("publish", "mas4h.v1.audit.master-1"),
        ], [
            ("publish", "mas4h.v1.master.master-2.devices.put"), ("publish", "mas4h.v1.rpc.revoke"),
            ("publish", "mas4h.v1.events.eu.slave-1.connect"), ("publish", "$JS.API.STREAM.DELETE.MAS4H_EVENTS"),
            ("publish", "mas4h.v1.master.master-2.dispatch"),
        ])

    def test_without_a_name_nobody_is_let_in(self):
        lines = self.client().lines  # a word more would meet a closed door, and a reset
        self.assertIn(b"Authorization Violation", lines.readline())
        self.assertEqual(b"", lines.readline())

    def master(self, *settings):
        ready = self.folder / "ready"
        arguments = [part for setting in (*settings, f"run.ready_file={ready}", "http.listen=127.0.0.1:0",
                                          f"nats.url=nats://127.0.0.1:{self.server.port}")
                     for part in ("--set", setting)]
        program = Program([BUILD / "bin" / "mas4h-master", *arguments])
        self.addCleanup(test_nats_tls.NatsTls.end, program)
        return program, ready

    def test_a_master_comes_in_with_the_password_of_a_file(self):
        secret = self.folder / "password"
        secret.write_text(PASSWORDS["master"] + "\n")
        program, ready = self.master("nats.user=master", f"nats.password_file={secret}")
        wait_until(ready.exists, 20, "a ready master")
        self.assertNotIn("Permissions Violation", program.output)

    def test_a_master_comes_in_with_an_nkey(self):
        seed = self.folder / "seed"
        seed.write_text(SEED + "\n")
        _, ready = self.master(f"nats.nkey={seed}", "nats.inbox_prefix=_INBOX_master")
        wait_until(ready.exists, 20, "a ready master")

    def test_a_wrong_password_is_said(self):
        program, ready = self.master("nats.user=master", "nats.password=wrong")
        program.wait_for("Authorization Violation.*cannot connect")
        self.assertFalse(ready.exists())

    def test_what_a_user_may_not_do_is_counted_and_named_once(self):
        program, ready = self.master("nats.user=gateway", f"nats.password={PASSWORDS['gateway']}")
        wait_until(ready.exists, 20, "a ready master")
        address = ready.read_text().partition("http=")[2].strip()
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        count = float(re.search(r"^mas4h_master_nats_permission_violations_total (\S+)$", text, re.M).group(1))
        named = re.findall(r"detail=.*Permissions Violation.*this user of NATS may not do that", program.output)
        self.assertGreaterEqual(count, 5)
        self.assertEqual(len(set(named)), len(named))
        self.assertTrue(any("Subscription to" in line and "mas4h.v1.rpc.dispatch" in line for line in named))


if __name__ == "__main__":
    unittest.main()
