"""The main journey, with real programs: a slot, `ssh -R 0:`, an operator, REST, events, the end."""

import asyncio
import json
import re
import unittest

import websockets

from cluster import ClusterTestCase, EchoServer, Operator, echoes, run, ssh_device, wait_until
from events import Subscriber


class Journey(ClusterTestCase):
    def setUp(self):
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)

    def test_a_device_comes_is_reached_and_goes_and_all_see_it(self):
        name = "journey"
        key = self.cluster.make_key(name)
        slot = self.cluster.slot(region="local")
        self.assertEqual("local", slot["region"])
        self.assertTrue(slot["host_keys"])
        device = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(device.stop)
        port = device.port
        self.assertTrue(echoes(port), "bytes do not come back through the tunnel")

        tunnel = wait_until(lambda: self.cluster.tunnel(name), 10, "REST showing the tunnel")
        self.assertEqual((name, slot["slave_id"], "local", port),
                         tuple(tunnel[k] for k in ("client_key", "slave_id", "region", "port")))
        connect = self.subscriber.wait_for("connect", name)
        self.assertEqual((port, tunnel["tunnel_id"], tunnel["remote_address"]),
                         (connect.tunnel.port, connect.tunnel.tunnel_id, connect.tunnel.remote_address))
        self.assertIn("OpenSSH", connect.tunnel.client_version)

        device.stop()
        wait_until(lambda: self.cluster.request("GET", f"/v1/tunnels/{name}")[0] == 404, 10,
                   "REST forgetting the tunnel")
        disconnect = self.subscriber.wait_for("disconnect", name)
        self.assertEqual(connect.tunnel.tunnel_id, disconnect.tunnel_id)
        self.assertEqual((5, 5), (disconnect.bytes_from_device, disconnect.bytes_to_device))
        self.assertIn(self.subscriber.reason_name(disconnect),
                      ("DISCONNECT_REASON_CLIENT_CLOSED", "DISCONNECT_REASON_CONNECTION_LOST"))
        self.assertFalse(echoes(port), "the port still answers")

    def test_a_killed_ssh_is_seen_as_gone_with_its_reason(self):
        device = self.connect("killed")
        device.stop(9)
        disconnect = self.subscriber.wait_for("disconnect", "killed")
        self.assertEqual("DISCONNECT_REASON_CONNECTION_LOST", self.subscriber.reason_name(disconnect))
        wait_until(lambda: self.cluster.tunnel("killed") is None, 10, "REST forgetting the tunnel")

    def test_a_device_that_cancels_its_ports_loses_one_and_with_the_last_its_tunnel(self):
        control = self.cluster.dir / "control"
        spare = EchoServer()
        self.addCleanup(spare.close)
        slot = self.cluster.slot()
        device = self.connect("cancels", slot, options=(
            "-M", "-S", control, "-R", f"0:127.0.0.1:{spare.port}"))
        wait_until(lambda: len(self.cluster.tunnel("cancels")["ports"]) == 2, 10, "two ports in REST")
        first, second = self.cluster.tunnel("cancels")["ports"]

        self.cancel(control, self.echo.port)
        wait_until(lambda: self.cluster.tunnel("cancels")["ports"] == [second], 10, "one port in REST")
        self.assertFalse(echoes(first), "a cancelled port still answers")
        self.assertTrue(echoes(second))

        self.cancel(control, spare.port)
        disconnect = self.subscriber.wait_for("disconnect", "cancels")
        self.assertEqual("DISCONNECT_REASON_FORWARD_CANCELLED", self.subscriber.reason_name(disconnect))
        device.end()
        wait_until(lambda: self.cluster.tunnel("cancels") is None, 10, "REST forgetting the tunnel")
        again = ssh_device(self.cluster, slot, self.cluster.dir / "cancels.key", self.echo.port)
        self.addCleanup(again.stop)
        self.assertEqual(second, again.port, "the port that it had last was not given back")

    def cancel(self, control, target_port):
        run("ssh", "-F", "none", "-S", control, "-O", "cancel", "-R", f"0:127.0.0.1:{target_port}", "x")

    def test_a_kick_by_delete_ends_the_connection_and_is_told_as_a_kick(self):
        device = self.connect("kicked")
        status, _ = self.cluster.request("DELETE", "/v1/tunnels/kicked")
        self.assertIn(status, (200, 202, 204))
        self.assertNotEqual(0, device.end()[0])
        disconnect = self.subscriber.wait_for("disconnect", "kicked")
        self.assertEqual("DISCONNECT_REASON_KICKED", self.subscriber.reason_name(disconnect))
        wait_until(lambda: self.cluster.tunnel("kicked") is None, 10, "REST forgetting the tunnel")
        status, problem = self.cluster.request("DELETE", "/v1/tunnels/kicked")
        self.assertEqual(404, status)
        self.assertEqual(404, problem["status"])

    def test_the_newest_connection_of_a_device_wins(self):
        first = self.connect("twice")
        old = self.cluster.tunnel("twice")
        key = self.cluster.dir / "twice.key"
        other = next(s for s in self.cluster.slaves if s.identity != old["slave_id"])
        second = ssh_device(self.cluster, self.cluster.slot_on(other.identity), key, self.echo.port)
        self.addCleanup(second.stop)
        port = second.port
        first.end()
        disconnect = self.subscriber.wait_for("disconnect", "twice")
        self.assertEqual(("DISCONNECT_REASON_REPLACED", old["tunnel_id"]),
                         (self.subscriber.reason_name(disconnect), disconnect.tunnel_id))
        tunnel = wait_until(lambda: self.cluster.tunnel("twice"), 10, "REST showing the winner")
        self.assertEqual((other.identity, port), (tunnel["slave_id"], tunnel["port"]))
        self.assertTrue(echoes(port))

    def test_the_newest_connection_wins_on_the_same_slave_and_takes_the_port_over(self):
        first = self.connect("again-here")
        old = self.cluster.tunnel("again-here")
        operator = Operator(old["port"])
        self.addCleanup(operator.close)
        self.assertTrue(operator.echo(b"through the first"))
        second = ssh_device(self.cluster, self.cluster.slot_on(old["slave_id"]),
                            self.cluster.dir / "again-here.key", self.echo.port)
        self.addCleanup(second.stop)
        self.assertEqual(old["port"], second.port)
        self.assertNotEqual(0, first.end()[0])
        self.assertIn("replaced", first.output)
        disconnect = self.subscriber.wait_for("disconnect", "again-here")
        self.assertEqual(("DISCONNECT_REASON_REPLACED", old["tunnel_id"]),
                         (self.subscriber.reason_name(disconnect), disconnect.tunnel_id))
        self.assertTrue(echoes(old["port"]))

        def winner():
            tunnel = self.cluster.tunnel("again-here")
            return tunnel and tunnel["tunnel_id"] != old["tunnel_id"]
        wait_until(winner, 10, "REST showing the winner")
        self.assertIsNone(second.process.poll())

    def test_a_device_may_have_several_ports(self):
        device = self.connect("several", options=("-R", f"0:localhost:{self.echo.port}"))
        device.wait_for(r"(Allocated port \d+ for remote forward[\s\S]*){2}")
        ports = [int(p) for p in re.findall(r"Allocated port (\d+)", device.output)]
        self.assertEqual(2, len(set(ports)))
        for port in ports:
            self.assertTrue(echoes(port))

    def test_a_device_gets_its_port_again_after_a_reconnect(self):
        device = self.connect("again")
        slot = self.cluster.slot_on(self.cluster.tunnel("again")["slave_id"])
        port = device.port
        device.stop()
        self.subscriber.wait_for("disconnect", "again")
        device = ssh_device(self.cluster, slot, self.cluster.dir / "again.key", self.echo.port)
        self.addCleanup(device.stop)
        self.assertEqual(port, device.port)

    def test_a_key_is_known_as_soon_as_it_is_in_the_file(self):
        key = self.cluster.make_key("late", authorized=False)
        slot = self.cluster.slot()
        device = ssh_device(self.cluster, slot, key, self.echo.port)
        self.assertNotEqual(0, device.end()[0])
        self.cluster.authorize("late", key.with_suffix(".key.pub").read_text())

        def gets_in():
            attempt = ssh_device(self.cluster, slot, key, self.echo.port)
            wait_until(lambda: attempt.said("Allocated") or attempt.process.poll() is not None, 15,
                       "an answer")
            attempt.stop()
            return attempt.said("Allocated")
        wait_until(gets_in, 20, "the new key being accepted")

    def test_events_are_numbered_without_gaps_and_named_by_their_number(self):
        self.connect("numbered").stop()
        self.subscriber.wait_for("disconnect", "numbered")
        latest = {}
        for event, message_id in zip(self.subscriber.events, self.subscriber.message_ids):
            if event.WhichOneof("payload") == "load":
                continue
            self.assertEqual(f"{event.slave_id}:{event.epoch}:{event.seq}", event.event_id)
            self.assertEqual(event.event_id, message_id)
            owner = (event.slave_id, event.epoch)
            self.assertEqual(latest.get(owner, event.seq - 1) + 1, event.seq)
            latest[owner] = event.seq

    def test_a_slave_tells_its_load_every_two_seconds(self):
        for slave in self.cluster.slaves:
            wait_until(lambda: len([e for e in self.subscriber.of("load") if e.slave_id == slave.identity]) >= 3,
                       10, f"three loads of {slave.identity}")
        first, *_, last = [e for e in self.subscriber.of("load") if e.slave_id == "slave-1"]
        self.assertGreater(last.time.ToMilliseconds() - first.time.ToMilliseconds(), 1500)

    def test_websocket_slots_many_requests_in_flight(self):
        async def ask():
            url = self.cluster.description["gateways"][0]["url"].replace("http", "ws") + "/v1/slots"
            async with websockets.connect(url, subprotocols=["mas4h.slot.v1.json"]) as connection:
                self.assertEqual("mas4h.slot.v1.json", connection.subprotocol)
                for i in range(50):
                    await connection.send(json.dumps({"request_id": str(i), "region": "local"}))
                await connection.send(json.dumps({"request_id": "bad", "region": "nowhere"}))
                return [json.loads(await asyncio.wait_for(connection.recv(), 10)) for _ in range(51)]
        answers = {a["request_id"]: a for a in asyncio.run(ask())}
        self.assertEqual({*map(str, range(50)), "bad"}, set(answers))
        self.assertIn("status", answers.pop("bad")["error"])
        self.assertEqual({s.identity for s in self.cluster.slaves},
                         {a["slot"]["slave_id"] for a in answers.values()})

    def test_a_websocket_slot_leads_to_a_tunnel(self):
        async def ask():
            url = self.cluster.description["gateways"][0]["url"].replace("http", "ws") + "/v1/slots"
            async with websockets.connect(url) as connection:
                await connection.send('{"request_id": "1"}')
                return json.loads(await asyncio.wait_for(connection.recv(), 10))
        slot = asyncio.run(ask())["slot"]
        device = self.connect("by-websocket", slot)
        self.assertTrue(echoes(device.port))

    def test_an_operator_connection_outlives_a_request_to_list_it(self):
        device = self.connect("listed")
        operator = Operator(device.port)
        self.addCleanup(operator.close)
        self.assertTrue(operator.echo(b"before"))
        names = [t["client_key"] for t in self.cluster.get("/v1/tunnels?page_size=500")["tunnels"]]
        self.assertIn("listed", names)
        self.assertTrue(operator.echo(b"after"))

    def test_a_list_of_tunnels_takes_the_beginning_of_the_client_key_and_a_slave(self):
        for name, slave in (("fleet-a-1", "slave-1"), ("fleet-a-2", "slave-2"), ("fleet-b-1", "slave-1")):
            self.connect(name, self.cluster.slot_on(slave))

        def names(query):
            return [t["client_key"] for t in self.cluster.get(f"/v1/tunnels?{query}")["tunnels"]]
        self.assertEqual(["fleet-a-1", "fleet-a-2"], names("client_key_prefix=fleet-a"))
        self.assertEqual(["fleet-a-1", "fleet-b-1"], names("client_key_prefix=fleet-&slave=slave-1"))
        self.assertEqual([], names("client_key_prefix=fleet-c"))

    def test_rest_answers_what_is_wrong_as_a_problem(self):
        for method, path, body, expected in (
                ("GET", "/v1/tunnels/nobody", None, 404), ("GET", "/v1/slaves/nobody", None, 404),
                ("GET", "/v1/nothing", None, 404), ("PUT", "/v1/slots", {}, 405),
                ("POST", "/v1/slots", {"region": "Not A Region"}, 422),
                ("POST", "/v1/slots", {"region": 7}, 422),
                ("GET", "/v1/tunnels?page_size=x", None, 400),
                ("POST", "/v1/slots", {"region": "nowhere"}, 503)):
            with self.subTest(method=method, path=path, body=body):
                status, problem = self.cluster.request(method, path, body)
                self.assertEqual(expected, status)
                self.assertEqual(status, problem["status"])
                self.assertTrue(problem["title"])

    def test_the_cluster_counts_its_slaves_and_is_healthy(self):
        cluster = self.cluster.get("/v1/cluster")
        self.assertEqual((2, 2), (cluster["slaves"], cluster["slaves_ready"]))
        slaves = self.cluster.get("/v1/slaves")["slaves"]
        self.assertEqual(["slave-1", "slave-2"], [s["slave_id"] for s in slaves])
        for path in ("/healthz", "/readyz"):
            self.assertEqual(200, self.cluster.request("GET", path)[0])


class Regions(ClusterTestCase):
    options = ("--slaves", "3", "--regions", "eu,us")

    def test_a_slot_is_in_the_region_that_was_asked_for(self):
        regions = {s["slave_id"]: s["region"] for s in self.cluster.get("/v1/slaves")["slaves"]}
        self.assertEqual({"slave-1": "eu", "slave-2": "us", "slave-3": "eu"}, regions)
        self.assertEqual(["slave-2"] * 4, [self.cluster.slot(region="us")["slave_id"] for _ in range(4)])
        self.assertEqual({"slave-1", "slave-3"},
                         {self.cluster.slot(region="eu")["slave_id"] for _ in range(4)})
        listed = self.cluster.get("/v1/slaves?region=us")["slaves"]
        self.assertEqual(["slave-2"], [s["slave_id"] for s in listed])


if __name__ == "__main__":
    unittest.main()
