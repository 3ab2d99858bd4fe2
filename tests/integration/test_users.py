"""A whole cluster under the users of deploy/nats/make-users, on a real nats-server that enforces them: all works, and
who has the user of one slave cannot speak as another, nor listen to anybody else."""

import contextlib
import http.client
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import test_nats_tls
import test_permissions
from test_subscribers import EXAMPLES, NODE_PACKAGES, c_consumer
from cluster import BUILD, ROOT, EchoServer, Program, echoes, run, ssh_device, wait_until
from event_feed import Feed
from own_service import OwnService

SERVICES = {"master": "master-1", "slave": "slave-1", "gateway": "gateway-1"}


class Users(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        cls.dir = Path(tempfile.mkdtemp(prefix="users-", dir=parent))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.users = cls.dir / "users"
        cls.make_users("--master", "master-1", "--slave", "eu/slave-1", "--slave", "eu/slave-2",
                       "--gateway", "gateway-1", "--viewer", "viewer-1", "--follower", "follower-1",
                       "--validator", "validator-1")
        config = cls.dir / "nats.conf"
        config.write_text(f'jetstream {{ store_dir: "{cls.dir}/store" }}\ninclude "users/users.conf"\n')
        cls.server = test_nats_tls.NatsServer(cls.dir, "-c", config)
        cls.addClassCleanup(cls.server.close)
        cls.description = {"nats_url": f"nats://127.0.0.1:{cls.server.port}"}

    @classmethod
    def make_users(cls, *arguments):
        subprocess.run([ROOT / "deploy" / "nats" / "make-users", "--out", cls.users, *arguments],
                       check=True, stdout=subprocess.DEVNULL)

    def own(self, kind, settings):
        name = SERVICES[kind]
        nats = {"user": name, "password_file": self.users / f"{name}.password", "inbox_prefix": f"_INBOX.{name}"}
        service = OwnService(self, kind, name, {"nats": nats, **settings})
        self.addCleanup(service.stop)
        return service

    def request(self, method, path, body=None):
        with contextlib.closing(http.client.HTTPConnection(self.gateway.address("http"), timeout=10)) as connection:
            connection.request(method, path, body and json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def known_hosts(self, slot):
        path = self.dir / "known_hosts"
        path.write_text("".join(f"[{slot['host']}]:{slot['port']} {key}\n" for key in slot["host_keys"]))
        return path

    def test_a_whole_cluster_works_and_its_log_knows_of_no_violation(self):
        key = self.dir / "pump.key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pump", "-f", str(key))
        self.authorized_keys = self.dir / "devices.keys"
        self.authorized_keys.write_text(Path(f"{key}.pub").read_text())
        echo = EchoServer()
        self.addCleanup(echo.close)
        services = [self.own("master", {})]
        services.append(self.own("slave", {"slave": {"region": "eu"}, "events": {"acknowledge": "required"}}))
        self.gateway = self.own("gateway", {})
        services.append(self.gateway)

        status, answer = wait_until(lambda: (lambda got: got if got[0] == 200 else None)(
            self.request("POST", "/v1/slots", {"region": "eu"})), 15, "a slot")
        device = ssh_device(self, answer["slot"], key, echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        wait_until(lambda: self.request("GET", "/v1/tunnels/pump")[0] == 200, 10, "the tunnel in REST")
        wait_until(lambda: services[1].metrics()["mas4h_slave_outbox_events"] == 0, 10,
                   "every event acknowledged by the stream")
        self.assertEqual(204, self.request("DELETE", "/v1/tunnels/pump")[0])
        wait_until(lambda: self.request("GET", "/v1/tunnels/pump")[0] == 404, 10, "the kicked tunnel gone")
        feed = Feed(f"http://{self.gateway.address('http')}", last_event_id="0")
        self.addCleanup(feed.close)
        # What people do is in the stream, too, and takes numbers of it.
        ids = [int(feed.wait_for(name)["id"]) for name in ("start", "connect", "disconnect")]
        self.assertEqual(sorted(ids), ids)
        self.assertEqual([1, 2], ids[:2])
        self.assertEqual(202, self.request("POST", "/v1/slaves/slave-1/drain")[0])
        self.assertGreater(int(feed.wait_for("drain")["id"]), ids[2])
        for service in services:
            self.assertNotIn("Permissions Violation", service.output)

    def client(self, user):
        password = (self.users / f"{user}.password").read_text().strip()
        client = test_permissions.Client(self.server.port, user, password)
        client.user = user
        self.addCleanup(client.close)
        return client

    def check(self, user, allowed, denied):
        client = self.client(user)
        for kind, subject in allowed:
            self.assertEqual("", getattr(client, kind)(subject), f"{user}: {kind} {subject}")
        for kind, subject in denied:
            self.assertIn("Permissions Violation", getattr(client, kind)(subject), f"{user}: {kind} {subject}")

    def test_a_slave_speaks_and_hears_for_itself_only(self):
        self.check("slave-2", [
            ("publish", "mas4h.v1.events.eu.slave-2.connect"), ("publish", "mas4h.v1.rpc.authorize"),
            ("subscribe", "mas4h.v1.slave.slave-2.kick"), ("subscribe", "_INBOX.slave-2.x.*"),
            ("publish", "mas4h.v1.master.master-1.authorize"), ("subscribe", "mas4h.v1.master.hello"),
            ("publish", "mas4h.v1.rpc.locate"), ("publish", "mas4h.v1.master.master-1.revocations"),
        ], [
            ("publish", "mas4h.v1.events.eu.slave-1.connect"), ("publish", "mas4h.v1.events.us.slave-2.connect"),
            ("publish", "mas4h.v1.audit.slave-2"), ("publish", "mas4h.v1.control.revoke"),
            ("publish", "mas4h.v1.rpc.devices.put"), ("subscribe", "mas4h.v1.rpc.locate"),
            ("publish", "mas4h.v1.slave.slave-1.snapshot"), ("publish", "_INBOX.slave-1.x.1"),
            ("publish", "mas4h.v1.master.hello"), ("subscribe", "mas4h.v1.slave.slave-1.kick"),
            ("subscribe", "_INBOX.slave-1.>"), ("subscribe", "_INBOX.>"), ("subscribe", "mas4h.v1.rpc.authorize"),
            ("subscribe", "mas4h.v1.events.>"),
        ])

    def test_a_validator_answers_and_no_more(self):
        self.check("validator-1", [("subscribe", "mas4h.v1.validate"), ("subscribe", "_INBOX.validator-1.>")], [
            ("publish", "mas4h.v1.validate"), ("publish", "mas4h.v1.rpc.authorize"), ("publish", "_INBOX.master-1.x"),
            ("subscribe", "mas4h.v1.rpc.authorize"), ("subscribe", "mas4h.v1.events.>"),
        ])
        self.check("slave-1", [], [("subscribe", "mas4h.v1.validate"), ("publish", "mas4h.v1.validate")])
        self.check("master-1", [("publish", "mas4h.v1.validate")], [("subscribe", "mas4h.v1.validate")])

    def test_nobody_hears_the_answers_to_others(self):
        for user in ("master-1", "gateway-1", "viewer-1"):
            self.check(user, [("subscribe", f"_INBOX.{user}.>")], [("subscribe", "_INBOX.slave-1.>")])

    @staticmethod
    def ask(client, subject, body=b""):
        return client.ask(f"_INBOX.{client.user}", subject, body)

    def drained(self, slave):
        """Whether it drains, once it has done what it was told before."""
        self.ask(self.client("master-1"), "mas4h.v1.slave.slave-1.snapshot")
        return slave.metrics()["mas4h_slave_draining"]

    def test_who_only_reads_and_asks_cannot_have_others_command_a_slave(self):
        self.authorized_keys = self.dir / "no.keys"
        self.authorized_keys.write_text("")
        master = self.own("master", {})
        slave = self.own("slave", {"slave": {"region": "eu"}, "events": {"acknowledge": "required"}})
        wait_until(lambda: slave.metrics()["mas4h_slave_outbox_events"] == 0, 10, "its start in the stream")
        viewer, other = self.client("viewer-1"), self.client("slave-2")
        for target in ("drain", "kick", "snapshot"):
            command = f"mas4h.v1.slave.slave-1.{target}"
            for client, subject in ((viewer, "status.tunnel"), (other, "authorize")):
                self.assertEqual("", client.answer(f"PUB mas4h.v1.rpc.{subject} {command} 1\r\nx\r\n"))
                self.ask(client, f"mas4h.v1.rpc.{subject}")
            self.assertEqual(0, self.drained(slave), f"an answer of the master to {command}")
            for policy in ("none", "explicit"):
                name = f"{target}-{policy}"
                config = {"durable_name": name, "deliver_subject": command, "deliver_policy": "all",
                          "ack_policy": policy}
                made = json.loads(self.ask(viewer, f"$JS.API.CONSUMER.DURABLE.CREATE.MAS4H_EVENTS.{name}", json.dumps(
                    {"stream_name": "MAS4H_EVENTS", "config": config}).encode()))
                self.assertNotIn("error", made)
                wait_until(lambda: json.loads(self.ask(viewer, f"$JS.API.CONSUMER.INFO.MAS4H_EVENTS.{name}"))[
                    "delivered"]["consumer_seq"] > 0, 10, "an event delivered as a command")
                self.assertEqual(0, self.drained(slave), f"an event as {command}, ack {policy}")
        self.assertIn("what a stream delivers here is ignored", slave.output)
        self.assertNotIn("cannot answer", slave.output)
        self.assertEqual(0, master.metrics()["mas4h_master_nats_permission_violations_total"])

    def test_the_examples_run_under_the_users_that_are_made_for_them(self):
        if shutil.which("node") is None or not NODE_PACKAGES.is_dir():
            self.skipTest("the packages of the Node examples are not installed: no node, no npm or no network")
        self.authorized_keys = self.dir / "none.keys"
        self.authorized_keys.write_text("")
        self.own("master", {})
        self.own("slave", {"slave": {"region": "eu"}})
        for file in (EXAMPLES / "node").glob("*.mjs"):
            shutil.copy(file, NODE_PACKAGES.parent)
        for user, script, said in (("viewer-1", "consumer.mjs", '"start"'), ("follower-1", "state.mjs", '"tunnels":')):
            program = Program([
                "env", f"MAS4H_PROTO={ROOT / 'proto'}", "node", NODE_PACKAGES.parent / script,
                "--servers", self.description["nats_url"], "--user", user,
                "--password-file", self.users / f"{user}.password", "--inbox-prefix", f"_INBOX.{user}"])
            self.addCleanup(program.stop)
            program.wait_for(said)
            self.assertNotIn("VIOLATION", program.output.upper())

    def test_the_older_of_two_slaves_with_one_id_says_so_itself(self):
        self.authorized_keys = self.dir / "none.keys"
        self.authorized_keys.write_text("")
        self.own("master", {})
        displaced = self.own("slave", {"slave": {"region": "eu"}})
        later = self.own("slave", {"slave": {"region": "eu"}})
        displaced.wait_for("error slave id=slave-1 .* another process has this slave's id")
        wait_until(lambda: later.metrics()["mas4h_slave_nats_connected"] == 1, 10, "the later one being there")
        self.assertNotIn("another process", later.output)

    def test_the_example_in_c_runs_under_the_user_of_a_viewer(self):
        program = c_consumer(self.dir)
        self.authorized_keys = self.dir / "none.keys"
        self.authorized_keys.write_text("")
        self.own("master", {})
        slave = self.own("slave", {"slave": {"region": "eu"}, "events": {"acknowledge": "required"}})
        wait_until(lambda: slave.metrics()["mas4h_slave_outbox_events"] == 0, 10, "its start in the stream")
        stranger = Program([program, self.description["nats_url"], "viewer-c"])
        self.addCleanup(stranger.stop)
        self.assertEqual(1, stranger.end()[0])
        viewer = Program([program, "--user", "viewer-1", "--password-file", self.users / "viewer-1.password",
                          "--inbox-prefix", "_INBOX.viewer-1", self.description["nats_url"], "viewer-c"])
        self.addCleanup(viewer.stop)
        viewer.wait_for("slave-1:.* other slave-1")

    def test_passwords_stay_when_a_slave_is_added(self):
        before = (self.users / "slave-1.password").read_text()
        self.make_users("--slave", "eu/slave-1", "--slave", "eu/slave-3")
        self.assertEqual(before, (self.users / "slave-1.password").read_text())
        self.assertIn("slave-3", (self.users / "users.conf").read_text())
        self.assertEqual(0o600, (self.users / "slave-3.password").stat().st_mode & 0o777)


if __name__ == "__main__":
    unittest.main()
