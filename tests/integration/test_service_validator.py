"""The validator `service`: a program on the bus says whose key it is; and the examples of validators."""

import json
import shutil
import sys
import unittest

from cluster import BUILD, ROOT, ClusterTestCase, Program, echoes, ssh_device, wait_until
from events import message_module
from own_service import OwnNats, OwnService
from questions import Answerer, Asker, Key

EXAMPLES = ROOT / "deploy" / "examples"
NODE_PACKAGES = BUILD / "examples-node" / "node_modules"  # the test examples_node_packages fills it


class ServiceValidator(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_MASTER_AUTHORIZE_VALIDATORS": "service", "MAS4H_MASTER_SERVICE_TIMEOUT_MS": "500",
                   "MAS4H_MASTER_WEBHOOK_TIMEOUT_MS": "500"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.messages = message_module("authorize")
        cls.asker = Asker(cls.cluster.description["nats_url"])
        cls.addClassCleanup(cls.asker.close)
        # On a bus of its own: no slave asks it.
        nats = OwnNats()
        cls.addClassCleanup(nats.stop)
        cls.own_nats = nats.url
        cls.devices = cls.cluster.dir / "devices.json"
        cls.devices.write_text("{}")
        cls.token = cls.cluster.dir / "token"
        cls.token.write_text("s3cret\n")
        cls.webhook = Program([sys.executable, EXAMPLES / "python" / "webhook.py", "--devices", cls.devices,
                               "--listen", "127.0.0.1:0", "--token-file", cls.token])
        cls.addClassCleanup(cls.webhook.stop)
        url = cls.webhook.wait_for(r"answers at (\S+)").group(1)
        master = OwnService(cls.cluster, "master", "json", {
            "nats": {"url": cls.own_nats}, "authorize": {"validators": "webhook, service"},
            "webhook": {"url": url, "token_file": cls.token},
            "service": {"format": "json", "subject": "company.devices"}})
        cls.addClassCleanup(master.stop)
        cls.own_asker = Asker(cls.own_nats, "json")
        cls.addClassCleanup(cls.own_asker.close)

    def key(self):
        return Key(self.cluster.dir, self.id().rpartition(".")[2])

    def answerer(self, behave):
        answerer = Answerer(self.cluster.description["nats_url"], behave)
        self.addCleanup(answerer.close)
        return answerer

    def reply(self, **result):
        return self.messages.AuthorizeReply(**result).SerializeToString()

    def write(self, key, **answer):
        devices = json.loads(self.devices.read_text())
        devices[key.public] = answer
        self.devices.write_text(json.dumps(devices))

    def node(self, *options):
        """The example in a folder beside its packages, as a user would have it."""
        if shutil.which("node") is None or not NODE_PACKAGES.is_dir():
            self.skipTest("the packages of the Node examples are not installed: no node, no npm or no network")
        folder = self.cluster.dir / "node"
        if not folder.exists():
            shutil.copytree(EXAMPLES / "node", folder)
            (folder / "node_modules").symlink_to(NODE_PACKAGES)
        program = Program(["env", f"MAS4H_PROTO={ROOT / 'proto'}", "node", folder / "validator.mjs",
                           "--devices", self.devices, *options])
        self.addCleanup(program.stop)
        program.wait_for("answers on")
        return program

    # --- answers, good and bad ---

    def test_an_answer_of_the_same_messages_is_taken(self):
        answerer = self.answerer(lambda question: self.reply(allow=self.messages.Allow(
            client_key="pump-1", fixed_port=20022, labels=[{"name": "site", "value": "rome"}])))
        key = self.key()
        allow = self.asker.ask(key).allow
        self.assertEqual(("pump-1", 20022, "service"), (allow.client_key, allow.fixed_port, allow.validator))
        self.assertEqual(["site"], [label.name for label in allow.labels])
        question = self.messages.AuthorizeRequest.FromString(answerer.asked[0])
        self.assertEqual((key.blob, "slave-1", "device"),
                         (question.public_key, question.slave_id, question.username))

    def test_a_key_that_it_does_not_know_is_refused(self):
        self.answerer(lambda question: self.reply(problem={"code": 2, "detail": "who?"}))
        self.assertEqual("who?", self.asker.ask(self.key()).deny.detail)

    def test_it_refuses_with_its_reason(self):
        self.answerer(lambda question: self.reply(deny={"detail": "sold last year"}))
        self.assertEqual("sold last year", self.asker.ask(self.key()).deny.detail)

    def test_it_cannot_say_that_a_key_is_a_slaves(self):
        self.answerer(lambda question: self.reply(allow=self.messages.Allow(slave_id="slave-1")))
        self.assertIn("cannot say", self.asker.ask(self.key()).problem.detail)

    def test_nobody_there_is_known_at_once(self):
        self.assertIn("nobody listens", self.asker.ask(self.key()).problem.detail)

    def test_one_that_hangs_costs_its_time_and_no_more(self):
        self.answerer(lambda question: None)
        self.assertIn("no answer in time", self.asker.ask(self.key()).problem.detail)

    def test_garbage_is_no_answer(self):
        self.answerer(lambda question: b"\xff\xfe nonsense")
        self.assertIn("no AuthorizeReply", self.asker.ask(self.key()).problem.detail)

    def test_an_answer_as_long_as_nats_lets_it_be_is_no_answer(self):
        self.answerer(lambda question: b"\x12" * 1000000)
        self.assertEqual("problem", self.asker.ask(self.key()).WhichOneof("result"))

    # --- the examples ---

    def test_the_example_in_node_lets_a_device_in(self):
        self.node("--servers", self.cluster.description["nats_url"], "--format", "protobuf")
        path = self.cluster.make_key("node-1", authorized=False)
        self.write(Key(self.cluster.dir, path.name), result="allow", client_key="node-1", labels={"site": "rome"})
        device = ssh_device(self.cluster, self.cluster.slot(), path, self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        wait_until(lambda: self.cluster.tunnel("node-1"), 10, "REST showing the device")
        key = self.key()
        self.write(key, result="deny", reason="it was stolen")
        self.assertEqual("it was stolen", self.asker.ask(key).deny.detail)
        self.assertEqual("not one of ours", self.asker.ask(Key(self.cluster.dir, "stranger")).deny.detail)

    def test_the_examples_speak_json(self):
        """The webhook in Python knows one key, the service in Node behind it both."""
        key, other = self.key(), Key(self.cluster.dir, "other")
        self.write(key, result="allow", client_key="by-webhook", valid_for_ms=0)
        allow = self.own_asker.ask(key).allow
        self.assertEqual(("by-webhook", "webhook"), (allow.client_key, allow.validator))
        self.node("--servers", self.own_nats, "--subject", "company.devices", "--devices", self.cluster.dir / "more.json")
        (self.cluster.dir / "more.json").write_text(json.dumps({other.public: {
            "result": "allow", "operator": {"name": "anna", "rules": [{"labels": {"site": "rome"}, "ports": [22]}]}}}))
        allow = self.own_asker.ask(other).allow
        self.assertEqual(("anna", "service"), (allow.operator.name, allow.validator))


if __name__ == "__main__":
    unittest.main()
