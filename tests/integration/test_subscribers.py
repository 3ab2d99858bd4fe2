"""The examples of deploy/examples against a real cluster with JetStream: durable subscribers in Node and in C
that are killed and started again, and an outsider that keeps all tunnels by itself."""

import json
import shutil
import socket
import subprocess
import unittest

from cluster import BUILD, ROOT, ClusterTestCase, Program, wait_until

EXAMPLES = ROOT / "deploy" / "examples"
STREAM = {
    "name": "MAS4H_EVENTS", "retention": "limits", "storage": "file", "num_replicas": 1,
    "subjects": [f"mas4h.v1.events.*.*.{kind}" for kind in (
        "connect", "disconnect", "start", "drain", "stop", "refuse", "flapping")]}
NODE_PACKAGES = BUILD / "examples-node" / "node_modules"  # the test examples_node_packages fills it


def ask(nats_url, subject, payload):
    """One request on the text protocol; the answer as JSON."""
    host, port = nats_url.removeprefix("nats://").split(":")
    with socket.create_connection((host, int(port)), 5) as connection, connection.makefile("rb") as stream:
        connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answer.1 1\r\nPUB '
                           + f"{subject} answer.1 {len(payload)}\r\n{payload}\r\n".encode())
        while line := stream.readline():
            if line.startswith(b"MSG"):
                return json.loads(stream.read(int(line.split()[-1])))
    raise AssertionError(f"no answer on {subject}")


def c_consumer(folder):
    """The example in C, built as a user would build it."""
    build = folder / "example-c"
    for command in (["cmake", "-S", EXAMPLES / "c", "-B", build], ["cmake", "--build", build]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stdout)
    return build / "mas4h-example-consumer"


class Subscribers(ClusterTestCase):
    options = ("--slaves", "2")

    def setUp(self):
        """The stream is there: a master has made it, or this does."""
        answer = ask(self.nats_url, "$JS.API.STREAM.CREATE.MAS4H_EVENTS", json.dumps(STREAM))
        if "error" in answer:
            self.assertIn("already in use", answer["error"]["description"])

    @property
    def nats_url(self):
        return self.cluster.description["nats_url"]

    def start(self, *command):
        program = Program(command)
        self.addCleanup(program.stop)
        return program

    def node(self, script, *options):
        """The example in a folder beside its packages, as a user would have it."""
        if shutil.which("node") is None or not NODE_PACKAGES.is_dir():
            self.skipTest("the packages of the Node examples are not installed: no node, no npm or no network")
        folder = NODE_PACKAGES.parent
        for file in (EXAMPLES / "node").glob("*.mjs"):
            shutil.copy(file, folder)
        return self.start("env", f"MAS4H_PROTO={ROOT / 'proto'}", "node", folder / script,
                          "--servers", self.nats_url, *options)

    def kill_while_devices_come_and_go(self, start, came, went, prefix):
        """Kills the subscriber with one device up, lets that one go and another come, starts it again."""
        first = start()
        device = self.connect(f"{prefix}-1")
        first.wait_for(came(f"{prefix}-1"))
        first.stop(9)
        device.stop()
        wait_until(lambda: self.cluster.tunnel(f"{prefix}-1") is None, 10, "the device being gone")
        self.connect(f"{prefix}-2")
        second = start()
        second.wait_for(went(f"{prefix}-1"))
        second.wait_for(came(f"{prefix}-2"))
        return first, second

    def test_a_durable_subscriber_in_node_misses_nothing_while_it_is_dead(self):
        first, second = self.kill_while_devices_come_and_go(
            lambda: self.node("consumer.mjs", "--durable", "test-node"),
            lambda key: rf'"connect":{{"tunnel":{{[^}}]*"client_key":"{key}"',
            lambda key: rf'"disconnect":{{"client_key":"{key}"', "node")
        second.stop()
        self.assertEqual(0, second.process.returncode, second.output)
        self.assert_complete([first.output, second.output],
                             lambda line: (json.loads(line)["event_id"] if line.endswith("}") else None))

    def test_a_durable_subscriber_in_c_misses_nothing_while_it_is_dead(self):
        program = c_consumer(self.cluster.dir)
        first, second = self.kill_while_devices_come_and_go(
            lambda: self.start(program, self.nats_url, "test-c"),
            lambda key: rf"connect slave-\d {key} port=\d+", lambda key: rf"disconnect slave-\d {key} reason=\d", "c")
        second.stop()
        self.assertEqual(0, second.process.returncode, second.output)
        third = self.start(program, self.nats_url, "test-c")  # the consumer is still there
        device = self.connect("c-3")
        third.wait_for(r"connect slave-\d c-3")
        device.stop()
        self.assert_complete([first.output, second.output, third.output], lambda line: line.split()[0])
        self.assertNotIn("c-1", third.output)

    def assert_complete(self, outputs, event_id_of):
        """Of each slave's epoch all numbers are there, from its first to its last, at least once."""
        seen = {}
        for line in "".join(outputs).splitlines():
            slave, epoch, seq = event_id_of(line).split(":")[:3]
            seen.setdefault((slave, epoch), set()).add(int(seq))
        self.assertTrue(seen)
        for key, numbers in seen.items():
            self.assertEqual(set(range(min(numbers), max(numbers) + 1)), numbers, key)

    def test_an_outsider_keeps_all_tunnels_from_a_snapshot_and_the_events(self):
        self.connect("before", self.cluster.slot_on("slave-1"))
        outsider = self.node("state.mjs")
        outsider.wait_for(r'"slave_id":"slave-1".*"client_key":"before"')
        during = self.connect("during", self.cluster.slot_on("slave-2"))
        outsider.wait_for(r'"slave_id":"slave-2".*"client_key":"during"')
        during.stop()
        wait_until(lambda: self.cluster.tunnel("during") is None, 10, "the device being gone")

        def pictures():
            lines = [json.loads(line) for line in outsider.output.splitlines() if line.endswith("}")]
            return {line["slave_id"]: [t["client_key"] for t in line["tunnels"]] for line in lines}
        wait_until(lambda: "during" not in pictures()["slave-2"], 10, "the picture of slave-2 without it")
        self.assertIn("before", pictures()["slave-1"])


if __name__ == "__main__":
    unittest.main()
