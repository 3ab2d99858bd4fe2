"""What is revoked is cut on every slave within a second, and nobody escapes by being away: neither a slave that
stood still, nor one that was cut off from NATS, nor a master that begins anew."""

import contextlib
import os
import signal
import socket
import time
import unittest

from cluster import ClusterTestCase, Program, echoes, fingerprint, ssh_command, wait_until
from events import Subscriber, message_module
from own_service import OwnService

ALL = 3
RECHECK_MS = 400
LOOK_S = 0.5  # so often masters look whether the file has changed


class Revocation(ClusterTestCase):
    options = ("--masters", "2", "--slaves", str(ALL))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.messages = message_module("command")
        cls.events = Subscriber(cls.cluster.description["nats_url"])
        cls.addClassCleanup(cls.events.close)

    def ask(self, subject, request, reply):
        """The answer to one question on NATS."""
        host, port = self.cluster.description["nats_url"].removeprefix("nats://").split(":")
        content = request.SerializeToString()
        with contextlib.closing(socket.create_connection((host, int(port)), 1)) as connection:
            stream = connection.makefile("rb")
            stream.readline()
            connection.sendall(b'CONNECT {"verbose":false}\r\nSUB _INBOX.revocation 1\r\n'
                               + f"PUB {subject} _INBOX.revocation {len(content)}\r\n".encode() + content + b"\r\n")
            while line := stream.readline():
                if line.startswith(b"MSG "):
                    return reply.FromString(stream.read(int(line.split()[-1])))
        raise AssertionError(f"no answer on {subject}")

    def revoke(self, banned, reason="it was stolen", master=None, **whom):
        request = self.messages.RevokeRequest(banned=banned, actor="ann", reason=reason, **whom)
        subject = f"mas4h.v1.master.{master}.revoke" if master else "mas4h.v1.rpc.revoke"
        answer = self.ask(subject, request, self.messages.RevokeReply)
        self.assertEqual(answer.WhichOneof("result"), "revoked", answer)
        return answer.revoked

    def setUp(self):
        self.cluster.wait_until_ready()  # after what the test before has done to it

    def connect_on(self, slave_id, name):
        return self.connect(name, slot=self.slot_on(slave_id))

    def slot_on(self, slave_id):
        """As soon as all masters know of the slave."""
        def look():
            with contextlib.suppress(AssertionError):
                return self.cluster.slot_on(slave_id)
            return None
        return wait_until(look, 15, f"masters knowing {slave_id}")

    def assert_cut(self, name, device, seconds, reason="it was stolen"):
        began = time.monotonic()
        wait_until(lambda: device.process.poll() is not None, seconds, f"the end of {name}")
        took = time.monotonic() - began
        end = self.events.wait_for("disconnect", name)
        self.assertEqual(self.events.reason_name(end), "DISCONNECT_REASON_REVOKED")
        self.assertEqual((end.actor, end.detail), ("ann", reason))
        return took

    def is_let_in(self, slave_id, name):
        """Whether the device gets a port there now."""
        slot = self.slot_on(slave_id)
        device = Program(ssh_command(self.cluster, slot, self.cluster.dir / f"{name}.key", "-N", "-T", "-R",
                                     f"0:127.0.0.1:{self.echo.port}"))
        try:
            return wait_until(lambda: device.said("Allocated port") or device.said("Permission denied"), 15,
                              "an answer").group().startswith("Allocated")
        finally:
            device.stop()

    def test_a_ban_cuts_on_every_slave_and_holds_until_it_is_lifted(self):
        names = [f"everywhere-{i}" for i in range(ALL)]
        devices = [self.connect_on(slave.identity, name) for slave, name in zip(self.cluster.slaves, names)]
        for name in names:
            self.revoke(True, client_key=name)
        for name, device in zip(names, devices):
            self.assert_cut(name, device, 1)
        self.assertFalse(self.is_let_in("slave-2", names[0]), "its key is in authorized_keys")
        self.revoke(False, client_key=names[0])
        self.assertTrue(self.is_let_in("slave-2", names[0]))

    def test_what_is_revoked_without_a_ban_may_come_back(self):
        device = self.connect_on("slave-1", "once")
        self.revoke(False, key_fingerprint=fingerprint(self.cluster.dir / "once.key.pub"))
        self.assert_cut("once", device, 1)
        self.assertTrue(self.is_let_in("slave-1", "once"))

    def test_a_slave_that_stood_still_and_missed_it_cuts_when_it_is_back(self):
        slave = self.cluster.slave("slave-2")
        device, other = self.connect_on("slave-2", "asleep"), self.connect_on("slave-2", "awake")
        os.kill(slave.pid, signal.SIGSTOP)
        try:
            # The server that it is connected to goes: what is told now, nobody keeps for it.
            self.cluster.nats.kill()
            self.cluster.nats.start()
            for master in ("master-1", "master-2"):
                wait_until(lambda: self.answers(master), 15, f"{master} being back")
            self.revoke(True, client_key="asleep")
        finally:
            os.kill(slave.pid, signal.SIGCONT)
        self.assert_cut("asleep", device, 10)
        self.assertTrue(echoes(other.port))

    def answers(self, master):
        with contextlib.suppress(OSError, AssertionError, ValueError):
            self.revocations(master)
            return True
        return False

    def revocations(self, master):
        """{name: banned} of what that master knows, page by page."""
        found, token = {}, ""
        while True:
            request = self.messages.RevocationsRequest(page_size=2, page_token=token)
            page = self.ask(f"mas4h.v1.master.{master}.revocations", request, self.messages.RevocationsReply).page
            found.update({r.client_key or r.key_fingerprint: r.banned for r in page.revocations})
            token = page.next_page_token
            if not token:
                return found

    def test_a_master_that_begins_anew_learns_what_is_banned_from_the_others(self):
        self.cluster.make_key("outlaw")
        self.revoke(True, client_key="outlaw", master="master-2")
        wait_until(lambda: self.revocations("master-1").get("outlaw"), 2, "the other master knowing it")
        master = self.cluster.masters[0]
        master.kill()
        master.start()
        wait_until(lambda: self.revocations("master-1") == self.revocations("master-2"), 10, "both knowing the same")
        self.assertFalse(self.is_let_in("slave-1", "outlaw"))

    def test_a_ban_outlives_all_masters(self):
        self.cluster.make_key("exile")
        self.revoke(True, client_key="exile")
        for master in self.cluster.masters:
            master.kill(signal.SIGTERM)
        for master in self.cluster.masters:
            master.start()
            self.assertTrue(self.revocations(master.identity).get("exile"), "it is in the file of its records")
        self.assertFalse(self.is_let_in("slave-1", "exile"))

    def test_what_is_revoked_while_nats_is_away_is_cut_when_it_is_back(self):
        device = self.connect_on("slave-1", "unheard")
        self.cluster.nats.kill()
        try:
            self.remove_line("unheard")
            key = fingerprint(self.cluster.dir / "unheard.key.pub")
            # A master that had not read the line yet has nothing to take back.
            wait_until(lambda: any(master.log_lines(key, "is void") for master in self.cluster.masters), 10,
                       "a master seeing that it has gone")
            self.assertIsNone(device.process.poll())
        finally:
            self.cluster.nats.start()
        wait_until(lambda: device.process.poll() is not None, 15, "the end of its connection")

    def remove_line(self, name):
        lines = self.cluster.authorized_keys.read_text().splitlines(keepends=True)
        beside = self.cluster.authorized_keys.with_suffix(".new")
        beside.write_text("".join(line for line in lines if not line.endswith(f" {name}\n")))
        beside.rename(self.cluster.authorized_keys)  # at no time is there a file without the others

    def test_a_device_whose_line_is_gone_is_cut_and_no_other(self):
        device, other = self.connect_on("slave-3", "erased"), self.connect_on("slave-3", "kept")
        self.remove_line("erased")
        wait_until(lambda: device.process.poll() is not None, LOOK_S + 1, "the end of its connection")
        end = self.events.wait_for("disconnect", "erased")
        self.assertEqual(self.events.reason_name(end), "DISCONNECT_REASON_REVOKED")
        self.assertTrue(end.actor.startswith("master-"), end.actor)
        self.assertTrue(echoes(other.port))

    def test_who_is_here_is_asked_about_again(self):
        slave = OwnService(self.cluster, "slave", "again", {"authorize": {"recheck_ms": RECHECK_MS}})
        self.addCleanup(slave.stop)
        wait_until(lambda: slave.metrics().get("mas4h_slave_nats_connected"), 15, "the slave being on the bus")
        device = self.connect_on("again", "asked-about")
        confirmed = 'mas4h_slave_rechecks_total{result="confirmed"}'
        wait_until(lambda: slave.metrics()[confirmed] >= 2, 10, "masters saying that it may stay")
        self.assertTrue(echoes(device.port))


if __name__ == "__main__":
    unittest.main()
