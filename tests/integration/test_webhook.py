"""The validator `webhook`: a web server says whose key it is, well or badly."""

import concurrent.futures
import http.server
import json
import ssl
import subprocess
import threading
import time
import unittest

from cluster import ClusterTestCase, echoes, ssh_device, wait_until
from own_service import OwnNats, OwnService
from questions import Asker, Key

TIMEOUT_MS = 600


class Answers(http.server.BaseHTTPRequestHandler):
    """Does with each question what the test said for its key."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.questions.append((question, dict(self.headers)))
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            behave = server.behaviours.get(question["public_key"], answer(result="unknown"))
            behave(self, question)
        except OSError:
            self.close_connection = True
        finally:
            with server.lock:
                server.at_once -= 1

    def say(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def answer(**document):
    return lambda handler, question: handler.say(json.dumps(document).encode())


def status(number, **headers):
    return lambda handler, question: handler.say(b"{}", number, **headers)


def after(seconds, behave):
    def wait(handler, question):
        handler.server.ended.wait(seconds)
        behave(handler, question)
    return wait


def in_turn(*behaviours):
    """The first time so, the second time so; the last one ever after."""
    left = list(behaviours)
    return lambda handler, question: (left.pop(0) if len(left) > 1 else left[0])(handler, question)


def endless(handler, question):
    handler.send_response(200)
    handler.send_header("Content-Length", 100 << 20)
    handler.end_headers()
    for _ in range(100 << 4):
        handler.wfile.write(b" " * 65536)
    raise AssertionError("all of the answer was taken")


def cut(handler, question):
    handler.close_connection = True
    handler.connection.close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Answers)
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.behaviours, self.questions = {}, []
        self.at_once = self.most_at_once = 0
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/whose"

    def asked_about(self, key):
        return [question for question, _ in self.questions if question["public_key"] == key.public]

    def handle_error(self, request, client_address):
        pass  # a client that has gone, or does not trust

    def close(self):
        self.ended.set()
        self.shutdown()
        self.server_close()


class Webhook(ClusterTestCase):
    options = ("--slaves", "1")

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.environment = {
            "MAS4H_MASTER_AUTHORIZE_VALIDATORS": "authorized_keys,webhook",
            "MAS4H_MASTER_WEBHOOK_URL": cls.server.url,
            "MAS4H_MASTER_WEBHOOK_TIMEOUT_MS": str(TIMEOUT_MS),
            "MAS4H_MASTER_WEBHOOK_BREAKER_FAILURES": "1000",
        }
        super().setUpClass()
        cls.asker = Asker(cls.cluster.description["nats_url"])
        cls.addClassCleanup(cls.asker.close)
        cls.start_masters()

    @classmethod
    def start_masters(cls):
        """Masters that differ in their settings, on a bus of their own: no slave asks them. They take
        seconds to start, so they do it together."""
        nats = OwnNats()
        cls.addClassCleanup(nats.stop)
        cls.own_nats = nats.url
        cls.good, other = cls.authority("good"), cls.authority("other")
        cls.own_key = Key(cls.cluster.dir, "own")
        cls.own_server, cls.tls_server = cls.a_server(), cls.a_server(cls.tls())
        cls.token = cls.cluster.dir / "token"
        cls.token.write_text("first\n")
        shown = {"cert_file": cls.good / "end.pem", "key_file": cls.good / "end.key"}
        settings = {
            "trusted": {"url": cls.tls_server.url, "ca_file": cls.good / "ca.pem", "token_file": cls.token, **shown},
            "distrusts": {"url": cls.tls_server.url, "ca_file": other / "ca.pem", **shown},
            "distrusted": {"url": cls.tls_server.url, "ca_file": cls.good / "ca.pem",
                           "cert_file": other / "end.pem", "key_file": other / "end.key"},
            "spares": {"url": cls.own_server.url, "breaker_failures": 3, "breaker_rest_ms": 200,
                       "breaker_rest_max_ms": 400},
            "denies": {"url": "http://127.0.0.1:1/", "on_failure": "deny"},
        }
        with concurrent.futures.ThreadPoolExecutor() as pool:
            cls.masters = dict(zip(settings, pool.map(cls.master, settings, settings.values())))

    @classmethod
    def end_cluster(cls):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(OwnService.stop, cls.masters.values()))
        super().end_cluster()

    @classmethod
    def master(cls, identity, webhook):
        return OwnService(cls.cluster, "master", identity, {
            "authorize": {"authorized_keys": cls.cluster.authorized_keys, "validators": "webhook"},
            "nats": {"url": cls.own_nats},
            "webhook": {"timeout_ms": 3000, "connect_timeout_ms": 3000, **webhook}})

    @classmethod
    def a_server(cls, tls=None):
        server = Server(tls)
        cls.addClassCleanup(server.close)
        server.behaviours[cls.own_key.public] = answer(result="allow", client_key="own", valid_for_ms=0)
        return server

    @classmethod
    def tls(cls):
        """A server with a certificate of the good authority, who wants to see one from its clients."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cls.good / "end.pem", cls.good / "end.key")
        tls.load_verify_locations(cls.good / "ca.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        return tls

    @classmethod
    def authority(cls, name):
        """A folder with an authority, and a certificate of it for 127.0.0.1."""
        folder = cls.cluster.dir / name
        folder.mkdir()
        openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                   "-days", "2"]
        subprocess.run([*openssl, "-subj", f"/CN={name}", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"],
                       check=True, capture_output=True)
        subprocess.run([*openssl, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-addext", "basicConstraints=critical,CA:FALSE",
                        "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
                        "-keyout", folder / "end.key", "-out", folder / "end.pem"], check=True, capture_output=True)
        return folder

    def key(self, behave, name=None):
        key = Key(self.cluster.dir, name or self.id().rpartition(".")[2])
        self.server.behaviours[key.public] = behave
        return key

    def failure(self, behave):
        """What is said of a key where the webhook does that, and how long it took."""
        key = self.key(behave)
        began = time.monotonic()
        reply = self.asker.ask(key)
        self.assertEqual("problem", reply.WhichOneof("result"), reply)
        self.assertLess(time.monotonic() - began, TIMEOUT_MS / 1000 + 1.5)
        return reply.problem.detail

    # --- good answers ---

    def test_a_device_comes_in_as_the_webhook_says(self):
        key = self.cluster.make_key("berlin-17", authorized=False)
        public = " ".join(key.with_suffix(".key.pub").read_text().split()[:2])
        self.server.behaviours[public] = answer(
            result="allow", client_key="berlin-17", labels={"site": "berlin"}, limits={"max_forwards": 1})
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        wait_until(lambda: self.cluster.tunnel("berlin-17"), 10, "REST showing the device")
        question = next(q for q, _ in self.server.questions if q["public_key"] == public)
        self.assertEqual("device", question["username"])
        self.assertTrue(question["remote_address"].startswith("127.0.0.1:"))
        self.assertEqual("slave-1", question["slave_id"])
        self.assertFalse(question["recheck"])

    def test_a_device_waits_for_a_webhook_that_is_slower_than_masters_are(self):
        """A slave asks again after 200 ms, when a master might be dead; the webhook is asked once."""
        path = self.cluster.make_key("patient", authorized=False)
        key = Key(self.cluster.dir, path.name)
        self.server.behaviours[key.public] = after(0.4, answer(result="allow", client_key="patient"))
        device = ssh_device(self.cluster, self.cluster.slot(), path, self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(echoes(device.port))
        self.assertEqual(1, len(self.server.asked_about(key)))

    def test_all_that_it_says_reaches_the_slave(self):
        key = self.key(answer(
            result="allow", client_key="pump-1", labels={"b": "2", "a": "1"}, ports=[22, "8000-8010"], port=20022,
            region="eu", limits={"bytes_per_second": 65536}, valid_for_ms=12345,
            expires_at="2099-01-01T00:00:00Z"))
        allow = self.asker.ask(key).allow
        self.assertEqual(("pump-1", "webhook", 20022, "eu"),
                         (allow.client_key, allow.validator, allow.fixed_port, allow.preferred_region))
        self.assertEqual([("a", "1"), ("b", "2")], [(label.name, label.value) for label in allow.labels])
        self.assertEqual([(22, 22), (8000, 8010)], [(ports.first, ports.last) for ports in allow.limits.ports])
        self.assertEqual(65536, allow.limits.bytes_per_second)
        self.assertEqual(12345, allow.valid_for_ms)
        self.assertEqual(4070908800, allow.expires_at.seconds)

    def test_an_operator_is_one_of_its_answers(self):
        key = self.key(answer(result="allow", operator={"name": "anna", "rules": [{"devices": "berlin-*"}]}))
        operator = self.asker.ask(key).allow.operator
        self.assertEqual("anna", operator.name)
        self.assertEqual(["berlin-*"], [rule.client_key_pattern for rule in operator.rules])

    def test_it_refuses_with_its_reason(self):
        deny = self.asker.ask(self.key(answer(result="deny", reason="it was stolen"))).deny
        self.assertEqual(("it was stolen", "webhook"), (deny.detail, deny.validator))

    def test_a_key_that_it_does_not_know_is_refused(self):
        self.assertEqual("deny", self.asker.ask(self.key(answer(result="unknown"))).WhichOneof("result"))

    def test_who_shows_a_certificate_is_told_with_the_key_inside(self):
        authority = self.cluster.make_key("authority", authorized=False)
        key = Key(self.cluster.dir, "certified", certificate_of=authority)
        self.server.behaviours[key.public] = answer(result="allow", client_key="certified")
        self.assertEqual("certified", self.asker.ask(key).allow.client_key)
        self.assertEqual([key.certificate], [q["certificate"] for q in self.server.asked_about(key)])

    # --- bad answers ---

    def test_one_that_hangs_costs_its_time_and_no_more(self):
        self.assertIn("no answer in time", self.failure(after(30, answer(result="allow"))))

    def test_an_answer_after_its_time_is_dropped(self):
        key = self.key(in_turn(after(2 * TIMEOUT_MS / 1000, answer(result="allow", client_key="late")),
                               answer(result="deny", reason="in time")))
        self.assertEqual("problem", self.asker.ask(key).WhichOneof("result"))
        wait_until(lambda: self.server.at_once == 0, 5, "the late answer")
        self.assertEqual("in time", self.asker.ask(key).deny.detail)

    def test_garbage_is_no_answer(self):
        self.assertIn("not JSON", self.failure(lambda handler, question: handler.say(b"<html>\0\xff")))

    def test_a_limit_that_is_spelt_wrong_lets_nobody_in(self):
        self.assertIn("max_forward", self.failure(
            answer(result="allow", client_key="a", limits={"max_forward": 1})))

    def test_100_megabytes_are_not_taken(self):
        self.assertIn("too long", self.failure(endless).lower().replace("maximum file size exceeded", "too long"))

    def test_another_status_is_no_answer_and_is_not_asked_again(self):
        key = self.key(status(500))
        self.assertIn("status 500", self.asker.ask(key).problem.detail)
        self.assertEqual(1, len(self.server.asked_about(key)))

    def test_a_redirect_is_not_followed(self):
        self.assertIn("status 302", self.failure(status(302, Location="http://127.0.0.1:1/")))

    # --- asking again ---

    def test_a_busy_server_is_asked_again_with_the_same_question(self):
        key = self.key(in_turn(status(503), status(502), answer(result="allow", client_key="third-time")))
        self.assertEqual("third-time", self.asker.ask(key).allow.client_key)
        questions = self.server.asked_about(key)
        self.assertEqual(3, len(questions))
        self.assertEqual(1, len({question["request_id"] for question in questions}))

    def test_a_broken_connection_is_made_again(self):
        key = self.key(in_turn(cut, answer(result="allow", client_key="after-all")))
        self.assertEqual("after-all", self.asker.ask(key).allow.client_key)

    def test_who_wants_to_be_left_alone_for_longer_than_there_is_time_is(self):
        key = self.key(status(429, Retry_After=5))
        self.assertIn("status 429", self.asker.ask(key).problem.detail)
        self.assertEqual(1, len(self.server.asked_about(key)))

    # --- many ---

    def test_slow_answers_hold_up_nobody_and_connections_are_kept(self):
        keys = [Key(self.cluster.dir, "slow")] * 100
        self.server.behaviours[keys[0].public] = after(0.05, answer(result="allow", client_key="slow", valid_for_ms=0))
        known = self.cluster.make_key("known")
        wait_until(lambda: self.asker.ask(Key(self.cluster.dir, "known.key")).allow.client_key == "known", 5,
                   "the key in authorized_keys")
        began = time.monotonic()
        # Another address each: else it would be one question.
        numbers = [self.asker.send(key, remote_address=f"198.51.100.{i}:1") for i, key in enumerate(keys)]
        self.assertEqual("known", self.asker.ask(Key(self.cluster.dir, known.name)).allow.client_key)
        self.assertNotIn(numbers[-1], self.asker.answers, "the known one had to wait")
        for number in numbers:
            self.assertEqual("slow", self.asker.answer(number).allow.client_key)
        self.assertLess(time.monotonic() - began, 3)
        self.assertGreater(self.server.most_at_once, 20)

    # --- masters of their own ---

    def asker_of(self, identity):
        asker = Asker(self.own_nats, identity)
        self.addCleanup(asker.close)
        return asker

    def test_tls_goes_both_ways_or_nowhere(self):
        self.assertEqual("own", self.asker_of("trusted").ask(self.own_key).allow.client_key)
        before = len(self.tls_server.questions)
        for identity in ("distrusts", "distrusted"):
            self.assertEqual("problem", self.asker_of(identity).ask(self.own_key).WhichOneof("result"), identity)
        self.assertEqual(before, len(self.tls_server.questions))

    def test_the_token_is_shown_and_may_change(self):
        asker = self.asker_of("trusted")
        asker.ask(self.own_key)
        self.assertEqual("Bearer first", self.tls_server.questions[-1][1]["Authorization"])
        self.token.write_text("second\n")

        def is_shown():
            asker.ask(self.own_key)
            return self.tls_server.questions[-1][1]["Authorization"] == "Bearer second"
        wait_until(is_shown, 5, "the new token")

    def test_one_that_is_down_is_left_alone_and_found_again(self):
        asker = self.asker_of("spares")
        good, self.own_server.behaviours[self.own_key.public] = self.own_server.behaviours[self.own_key.public], status(500)
        for _ in range(3):
            self.assertIn("status 500", asker.ask(self.own_key).problem.detail)
        self.assertIn("left alone", asker.ask(self.own_key).problem.detail)
        self.assertEqual(3, len(self.own_server.questions))
        metrics = self.masters["spares"].metrics()
        self.assertEqual(1, metrics["mas4h_master_webhook_resting"])
        self.assertEqual(3, metrics['mas4h_master_webhook_requests_total{result="refused"}'])
        self.own_server.behaviours[self.own_key.public] = good
        wait_until(lambda: asker.ask(self.own_key).WhichOneof("result") == "allow", 5, "the webhook being asked again")

    def test_it_may_be_no_when_it_cannot_be_asked(self):
        asker = self.asker_of("denies")
        self.assertEqual("deny", asker.ask(self.own_key).WhichOneof("result"))
        self.assertEqual("problem", asker.ask(self.own_key, recheck=True).WhichOneof("result"),
                         "what is connected is not cut off by that")


class SlowWebhook(ClusterTestCase):
    """Several masters, and a web server that takes three times as long as a slave waits for a master."""

    options = ("--slaves", "1", "--masters", "3")
    devices = 30

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.environment = {
            "MAS4H_MASTER_AUTHORIZE_VALIDATORS": "webhook",
            "MAS4H_MASTER_WEBHOOK_URL": cls.server.url,
        }
        super().setUpClass()
        cls.cluster.wait_until_ready()

    def key(self, name):
        path = self.cluster.make_key(name, authorized=False)
        key = Key(self.cluster.dir, path.name)
        self.server.behaviours[key.public] = after(0.6, answer(result="allow", client_key=name))
        return path

    def test_each_key_is_asked_about_once_and_no_master_is_left_alone_for_it(self):
        slot = self.cluster.slot()
        paths = [self.key(f"slow-{i}") for i in range(self.devices)]
        devices = [ssh_device(self.cluster, slot, path, self.echo.port) for path in paths]
        for device in devices:
            self.addCleanup(device.stop)
        for device in devices:
            self.assertTrue(echoes(device.port))
        self.assertLessEqual(len(self.server.questions), self.devices + 2)
        self.assertEqual([], self.cluster.slave("slave-1").log_lines("others are asked"))


if __name__ == "__main__":
    unittest.main()
