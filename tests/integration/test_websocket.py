"""Slots over a WebSocket by clients that know nothing of mas4h's code: python3-websockets, npm's `ws`; in JSON and in
protobuf."""

import asyncio
import json
import os
import shutil
import subprocess
import unittest

import websockets

from cluster import BUILD, ROOT, ClusterTestCase
from events import slot_message_class

NODE_PACKAGES = BUILD / "examples-node" / "node_modules"  # the test examples_node_packages fills it
PROTOBUF = "mas4h.slot.v1.protobuf"


class Clients(ClusterTestCase):
    @property
    def gateway(self):
        return self.cluster.description["gateways"][0]

    @property
    def url(self):
        return self.gateway["url"].replace("http", "ws") + "/v1/slots"

    def test_protobuf_says_the_same_as_json_to_a_client_of_another_make(self):
        message_type = slot_message_class()

        async def ask():
            async with websockets.connect(self.url, subprotocols=[PROTOBUF, "mas4h.slot.v1.json"]) as connection:
                self.assertEqual(PROTOBUF, connection.subprotocol)
                for i in range(20):
                    request = message_type()
                    request.request.request_id = str(i)
                    request.request.region = "local" if i else "nowhere"
                    await connection.send(request.SerializeToString())
                return [message_type.FromString(await asyncio.wait_for(connection.recv(), 10)) for _ in range(20)]
        answers = {message.answer.request_id: message.answer for message in asyncio.run(ask())}
        self.assertEqual(set(map(str, range(20))), set(answers))
        self.assertTrue(answers.pop("0").HasField("problem"))
        slots = {slave["slave_id"]: slave for slave in self.cluster.get("/v1/slaves")["slaves"]}
        for answer in answers.values():
            slave = slots[answer.slot.slave_id]
            self.assertEqual((slave["host"], slave["port"], "local"),
                             (answer.slot.host, answer.slot.port, answer.slot.region))
            self.assertTrue(answer.slot.host_keys)

    def test_what_is_no_message_of_the_subprotocol_ends_the_connection(self):
        async def say(subprotocol, data):
            async with websockets.connect(self.url, subprotocols=[subprotocol]) as connection:
                await connection.send(data)
                await asyncio.wait_for(connection.wait_closed(), 10)
                return connection.close_code
        self.assertEqual(1003, asyncio.run(say(PROTOBUF, "text")))
        self.assertEqual(1003, asyncio.run(say("mas4h.slot.v1.json", b"binary")))

    def node(self, *options):
        """The example in a folder beside its packages, as a user would have it."""
        if shutil.which("node") is None or not (NODE_PACKAGES / "ws").is_dir():
            self.skipTest("the packages of the Node examples are not installed: no node, no npm or no network")
        for file in (ROOT / "deploy" / "examples" / "node").glob("*.mjs"):
            shutil.copy(file, NODE_PACKAGES.parent)
        done = subprocess.run(
            ["node", NODE_PACKAGES.parent / "slots.mjs", "--gateway", self.gateway["url"], *options],
            env={**os.environ, "MAS4H_PROTO": str(ROOT / "proto")}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_node_asks_in_json_and_in_protobuf(self):
        answers = self.node("--count", "30", "--region", "local")
        self.assertEqual(set(map(str, range(1, 31))), {answer["request_id"] for answer in answers})
        self.assertTrue(all(answer["slot"]["region"] == "local" for answer in answers))
        answers = [message["answer"] for message in self.node("--count", "30", "--subprotocol", PROTOBUF)]
        self.assertEqual(set(map(str, range(1, 31))), {answer["request_id"] for answer in answers})
        self.assertTrue(all(answer["slot"]["host_keys"] for answer in answers))


if __name__ == "__main__":
    unittest.main()
