"""GET /v1/events: what readers of the feed get, with curl and as a browser reads it, and what they get when they do
not read, when NATS goes, and when the gateway ends."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import unittest
import urllib.request

from cluster import ClusterTestCase, wait_until
from event_feed import Feed, Publisher
from test_stream import jetstream


class FeedTestCase(ClusterTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for gateway in range(len(cls.cluster.gateways)):
            wait_until(lambda: cls.metric(cls, "event_stream_found", gateway) == 1, 15, "the stream being found")

    def feed(self, query="", gateway=0, **options):
        feed = Feed(self.cluster.gateways[gateway].described["url"], query, **options)
        self.addCleanup(feed.close)
        self.assertEqual(200, feed.status)
        feed.wait_for("hello")
        return feed

    def publisher(self):
        publisher = Publisher(self.nats_port())
        self.addCleanup(publisher.close)
        return publisher

    def metric(self, name, gateway=0):
        with urllib.request.urlopen(self.cluster.gateways[gateway].described["metrics_url"], timeout=5) as answer:
            return float(re.search(rf"^mas4h_gateway_{name} (\S+)$", answer.read().decode(), re.M).group(1))

    def nats_port(self):
        return int(self.cluster.description["nats_url"].rpartition(":")[2])

    def numbers(self, feed):
        return [e["data"]["seq"] for e in feed.of("disconnect")]


    def publish_until_followed(self, publisher, feed):
        """The first events may come by the bus, before the stream says their numbers. Returns how many there were."""
        count = 0
        while not count or not feed.of("disconnect")[-1]["id"].isdigit():
            publisher.publish(1)
            count += 1
            feed.wait_until(lambda: len(self.numbers(feed)) == count)
        return count


class Events(FeedTestCase):
    options = ("--slaves", "2", "--masters", "1", "--gateways", "2")
    environment = {"MAS4H_GATEWAY_EVENTS_HEARTBEAT_MS": "1000", "MAS4H_GATEWAY_EVENTS_READERS_MAX": "20",
                   "MAS4H_GATEWAY_EVENTS_REPLAY_MAX": "3000"}

    def test_a_reader_sees_a_device_come_and_go(self):
        feed = self.feed()
        slot = self.cluster.slot_on("slave-1")
        device = self.connect("visitor", slot)
        came = feed.wait_for("connect")["data"]
        self.assertEqual("visitor", came["connect"]["tunnel"]["client_key"])
        self.assertEqual(device.port, came["connect"]["tunnel"]["port"])
        self.assertEqual(("connect", "slave-1", "local"), (came["type"], came["slave_id"], came["region"]))
        self.assertEqual(f"slave-1:{came['epoch']}:{came['seq']}", came["event_id"])
        device.stop()
        went = feed.wait_for("disconnect")
        self.assertEqual(came["connect"]["tunnel"]["tunnel_id"], went["data"]["disconnect"]["tunnel_id"])
        self.assertEqual("visitor", went["data"]["disconnect"]["client_key"])
        self.assertNotEqual("", went["id"])
        self.assertEqual([], feed.of("load"))
        self.assertEqual(2000, feed.retry)

    def test_filters_choose_what_a_reader_gets(self):
        feeds = {query: self.feed(query) for query in (
            "?slave=slave-2", "?type=connect,drain", "?type=load&slave=slave-1", "?client_key=one&client_key=two",
            "?region=nowhere")}
        devices = [self.connect("one", self.cluster.slot_on("slave-1")),
                   self.connect("two", self.cluster.slot_on("slave-2")),
                   self.connect("three", self.cluster.slot_on("slave-2"))]
        for device in devices:
            device.stop()
        feeds["?slave=slave-2"].wait_for("disconnect", where=lambda d: d["disconnect"]["client_key"] == "three")
        feeds["?client_key=one&client_key=two"].wait_until(
            lambda: len(feeds["?client_key=one&client_key=two"].of("disconnect")) == 2)
        feeds["?type=load&slave=slave-1"].wait_for("load")

        def seen(query):
            keys = {"connect": lambda d: d["connect"]["tunnel"]["client_key"],
                    "disconnect": lambda d: d["disconnect"]["client_key"]}
            return {(e["name"], keys.get(e["name"], lambda d: d["slave_id"])(e["data"]))
                    for e in feeds[query].events if e["name"] != "hello"}
        both = {"connect", "disconnect"}
        self.assertEqual({(n, k) for n in both for k in ("two", "three")}, seen("?slave=slave-2"))
        self.assertEqual({("connect", k) for k in ("one", "two", "three")}, seen("?type=connect,drain"))
        self.assertEqual({("load", "slave-1")}, seen("?type=load&slave=slave-1"))
        self.assertEqual({(n, k) for n in both for k in ("one", "two")}, seen("?client_key=one&client_key=two"))
        self.assertEqual(set(), seen("?region=nowhere"))

    def test_wrong_filters_and_too_many_readers_are_problems(self):
        for query in ("?type=birth", "?region=A", "?slave=a,", "?client_key="):
            status, problem = self.cluster.request("GET", f"/v1/events{query}")
            self.assertEqual((400, "invalid"), (status, problem["code"]), query)
        status, document = self.cluster.request("HEAD", "/v1/events")
        self.assertEqual((200, None), (status, document))
        feeds = [self.feed(gateway=1) for _ in range(20)]
        status, problem = self.cluster.request("GET", "/v1/events", gateway=1)
        self.assertEqual((503, "unavailable"), (status, problem["code"]))
        feeds[0].close()
        wait_until(lambda: self.metric("event_readers", 1) == 19, 15, "the end of a reader")
        self.feed(gateway=1)

    def test_a_reader_goes_on_where_it_stopped_also_at_another_gateway(self):
        first = self.feed("?slave=made-up&type=disconnect")
        publisher = self.publisher()
        last = self.publish_until_followed(publisher, first) + 2
        publisher.publish(2)
        first.wait_until(lambda: len(self.numbers(first)) == last)
        self.assertTrue(first.of("hello")[0]["data"]["resumes"])
        last_id = first.of("disconnect")[-2]["id"]
        first.close()
        publisher.publish(2000)
        resumed = [self.feed("?slave=made-up&type=disconnect", last_event_id=last_id),
                   self.feed("?slave=made-up&type=disconnect", gateway=1, last_event_id=last_id),
                   self.feed(f"?slave=made-up&type=disconnect&last_event_id={last_id}", gateway=1),
                   self.feed(f"?slave=made-up&last_event_id=1", last_event_id=last_id)]
        publisher.publish(500)  # while they catch up
        for feed in resumed:
            feed.wait_until(lambda: len(self.numbers(feed)) >= 2501)
        publisher.publish(1)
        for feed in resumed:
            feed.wait_until(lambda: len(self.numbers(feed)) >= 2502)
            self.assertEqual(list(range(last, last + 2502)), self.numbers(feed))
            self.assertEqual([], feed.of("gap"))
            ids = [int(e["id"]) for e in feed.of("disconnect")]
            self.assertEqual(sorted(set(ids)), ids)

    def test_what_cannot_be_given_any_more_is_a_gap(self):
        publisher = self.publisher()
        before = self.feed("?slave=made-up")
        publisher.publish(1)
        last = int(before.wait_for("disconnect")["id"])
        for last_id, reason in (("slave-1:1:1", "unknown_id"), (str(last + 10**6), "unknown_id")):
            feed = self.feed("?slave=made-up", last_event_id=last_id)
            self.assertEqual(reason, feed.wait_for("gap")["data"]["reason"])
        publisher.publish(4000)
        feed = self.feed("?slave=made-up", last_event_id=str(last))
        gap = feed.wait_for("gap")["data"]
        self.assertEqual(("too_many", str(last)), (gap["reason"], gap["after_id"]))
        feed.wait_until(lambda: len(self.numbers(feed)) == 3000)
        self.assertEqual(list(range(1002, 4002)), self.numbers(feed))
        self.assertEqual(gap["before_id"], feed.of("disconnect")[0]["id"])
        jetstream(self.nats_port(), "STREAM.PURGE.MAS4H_EVENTS")
        publisher.publish(2)
        feed = self.feed("?slave=made-up", last_event_id=str(last + 3990))
        gap = feed.wait_for("gap")["data"]
        self.assertEqual(("too_old", str(last + 4001)), (gap["reason"], gap["before_id"]))
        feed.wait_until(lambda: len(self.numbers(feed)) == 2)

    def test_readers_miss_nothing_when_nats_is_killed_and_comes_back(self):
        feeds = [self.feed("?slave=made-up", gateway=gateway) for gateway in range(2)]
        publisher = self.publisher()
        publisher.publish(5)
        for feed in feeds:
            feed.wait_until(lambda: len(self.numbers(feed)) == 5)
        nats = self.cluster.nats
        nats.described["port"] = self.nats_port()
        nats.kill()
        nats.start()
        wait_until(self.stream_is_there, 15, "the stream")
        state = publisher.epoch, publisher.seq
        publisher = self.publisher()
        publisher.epoch, publisher.seq = state
        publisher.publish(5)  # before the gateways are there again, most likely
        for feed in feeds:
            feed.wait_until(lambda: len(self.numbers(feed)) >= 10)
            publisher.publish(1)
            feed.wait_until(lambda: publisher.seq in self.numbers(feed))
            self.assertEqual(list(range(1, publisher.seq + 1)), self.numbers(feed))
            self.assertEqual([], feed.of("gap"))

    def stream_is_there(self):
        with contextlib.suppress(OSError):
            return "state" in (jetstream(self.nats_port(), "STREAM.INFO.MAS4H_EVENTS") or {})
        return False

    def test_a_reader_that_does_not_read_is_ended_and_others_do_not_notice(self):
        stuck = socket.socket()
        self.addCleanup(stuck.close)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = self.cluster.gateways[0].described["url"].removeprefix("http://").split(":")
        stuck.connect((host, int(port)))
        stuck.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        feed = self.feed("?slave=made-up")
        before = self.metric("event_readers_slow_total")
        publisher = self.publisher()
        for _ in range(100):
            publisher.publish(500)
            feed.wait_until(lambda: len(feed.events) == 1 + publisher.seq, 30, "every event")
            if self.metric("event_readers_slow_total") > before:
                break
        self.assertEqual(before + 1, self.metric("event_readers_slow_total"))
        self.assertEqual(list(range(1, publisher.seq + 1)), [e["data"]["seq"] for e in feed.of("disconnect")])
        stuck.settimeout(15)
        text = b""
        while not text.endswith(b"0\r\n\r\n") and (data := stuck.recv(65536)):
            text = text[-4096:] + data
        self.assertIn(b'event: end\ndata: {"reason":"slow"}\n\n', text)

    def test_curl_and_quiet_times(self):
        url = self.cluster.gateways[0].described["url"]
        curl = subprocess.run(["curl", "-sN", "-i", "--max-time", "2.5", f"{url}/v1/events?region=nowhere"],
                              capture_output=True, text=True)
        self.assertIn("Content-Type: text/event-stream\n", curl.stdout.replace("\r", ""))
        self.assertIn("Cache-Control: no-store\n", curl.stdout.replace("\r", ""))
        self.assertIn("\nevent: hello\ndata: ", curl.stdout)
        self.assertIn("\n:\n\n", curl.stdout)
        hello = json.loads(curl.stdout.partition("data: ")[2].partition("\n")[0])
        self.assertEqual("gateway-1", hello["gateway_id"])

    def test_when_the_gateway_ends_readers_are_told_so(self):
        feed = self.feed(gateway=1)
        gateway = self.cluster.gateways[1]
        gateway.kill(signal.SIGTERM)
        self.assertEqual({"reason": "stopping"}, feed.wait_for("end")["data"])
        feed.wait_until(lambda: feed.ended, 5, "the end of the stream")
        gateway.start()


class AStreamThatIsMadeAnew(FeedTestCase):
    options = ("--slaves", "1", "--masters", "1", "--gateways", "1")

    def test_its_numbers_keep_nothing_from_a_reader(self):
        publisher = self.publisher()
        before = self.feed("?slave=made-up")
        count = self.publish_until_followed(publisher, before)
        resumed = self.feed("?slave=made-up", last_event_id=before.of("disconnect")[-1]["id"])
        publisher.publish(40)
        resumed.wait_until(lambda: len(self.numbers(resumed)) == 40)
        config = jetstream(self.nats_port(), "STREAM.INFO.MAS4H_EVENTS")["config"]
        jetstream(self.nats_port(), "STREAM.DELETE.MAS4H_EVENTS")
        jetstream(self.nats_port(), "STREAM.CREATE.MAS4H_EVENTS", json.dumps(config))
        self.assertEqual("no_stream", resumed.wait_for("gap")["data"]["reason"])
        publisher.publish(3)
        for feed, seen in ((before, count + 43), (resumed, 43)):
            feed.wait_until(lambda: len(self.numbers(feed)) == seen)


if __name__ == "__main__":
    unittest.main()
