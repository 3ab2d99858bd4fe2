"""Who may ask a gateway for what: tokens, scopes, browsers, rates, slow clients."""

import asyncio
import base64
import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl
import struct
import tempfile
import time
import unittest
import warnings
from pathlib import Path

import websockets

from cluster import ClusterTestCase, Device, ssh_command, wait_until
from own_service import OwnService
from test_nats_tls import Authority

SLOW_CLIENTS = 1000


def new_token():
    return "m4h_" + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def line(name, scopes, token, *options):
    return " ".join([name, scopes, "sha256:" + hashlib.sha256(token.encode()).hexdigest(), *options]) + "\n"


class Access(ClusterTestCase):
    options = ("--slaves", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = {name: new_token() for name in ("fleet", "monitor", "ops", "old", "slow", "talker")}
        cls.tokens_file = cls.cluster.dir / "tokens"
        cls.write_tokens()
        cls.gateway = OwnService(cls.cluster, "gateway", "guarded", {
            "access": {"tokens_file": cls.tokens_file},
            "http": {"receive_timeout_ms": 1500, "connections_max": 4000,
                     "source_connections_max": 0}})
        cls.addClassCleanup(cls.gateway.stop)
        wait_until(lambda: cls.ask("GET", "/readyz")[0] == 200, 15, "the guarded gateway being ready")

    @classmethod
    def write_tokens(cls, leave_out=(), more=""):
        scopes = {"fleet": "slot", "monitor": "read", "ops": "operate,slot", "old": "read", "slow": "read", "talker": "slot"}
        options = {"old": ["expires=2020-01-01T00:00:00Z"], "slow": ["rate=2"], "talker": ["rate=2"]}
        text = "# who may what\n" + "".join(
            line(name, scopes[name], token, *options.get(name, []))
            for name, token in cls.tokens.items() if name not in leave_out) + more
        beside = cls.tokens_file.with_suffix(".new")
        beside.write_text(text)
        beside.rename(cls.tokens_file)

    def bring_back_all_tokens(self):
        self.write_tokens()
        before = len(self.gateway.output)
        self.gateway.reload()
        self.gateway.logged_since(before, f"tokens={len(self.tokens)} ")

    @classmethod
    def ask(cls, method, path, token=None, body=None, gateway=None, **headers):
        """(status, headers, document) of one request of the guarded gateway."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection(gateway or cls.gateway.address("http"), timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, answer.headers, json.loads(content) if is_json and content else None

    def websocket(self, token=None, **headers):
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return websockets.connect(f"ws://{self.gateway.address('http')}/v1/slots", extra_headers=headers)

    # --- tokens and scopes ---

    def test_each_route_needs_a_token_with_its_scope(self):
        routes = {"POST /v1/slots": "slot", "GET /v1/cluster": "read", "GET /v1/slaves": "read",
                  "GET /v1/slaves/slave-1": "read", "GET /v1/tunnels": "read", "HEAD /v1/cluster": "read",
                  "GET /v1/tunnels/nobody": "read", "DELETE /v1/tunnels/nobody": "operate",
                  "POST /v1/slaves/nobody/drain": "operate"}
        has = {"fleet": {"slot"}, "monitor": {"read"}, "ops": {"slot", "read", "operate"}}
        for route, scope in routes.items():
            for name in (None, "old", "wrong", *has):
                with self.subTest(route=route, token=name):
                    token = self.tokens.get(name, None if name is None else new_token())
                    status, headers, problem = self.ask(*route.split(), token)
                    if scope in has.get(name, ()):
                        self.assertIn(status, (200, 404))
                        continue
                    self.assertEqual(403 if name in has else 401, status)
                    self.assertIn("Bearer", headers["WWW-Authenticate"])
                    if problem is not None:
                        self.assertEqual("forbidden" if name in has else "unauthorized", problem["code"])
                    if status == 403 and problem is not None:
                        self.assertIn(scope, problem["detail"])

    def test_what_holds_no_data_needs_no_token(self):
        for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1"):
            with self.subTest(path):
                self.assertEqual(200, self.ask("GET", path)[0])
        self.gateway.reload({"access": {"metrics_open": "no"}})
        self.addCleanup(self.gateway.reload, {"access": {"metrics_open": "yes"}})
        self.assertEqual(401, self.ask("GET", "/metrics")[0])
        self.assertEqual(200, self.ask("GET", "/metrics", self.tokens["monitor"])[0])

    def test_a_token_that_is_taken_out_ends_what_it_has_open(self):
        async def journey():
            async with self.websocket(self.tokens["fleet"]) as slots:
                await slots.send('{"request_id": "1"}')
                self.assertIn("slot", json.loads(await slots.recv()))
                self.write_tokens(leave_out=("fleet",), more="what is this\n")
                wait_until(lambda: self.ask("POST", "/v1/slots", self.tokens["fleet"])[0] == 401, 10,
                           "the token being refused")
                await slots.send('{"request_id": "2"}')
                with self.assertRaises(websockets.ConnectionClosed):
                    await slots.recv()
                return slots.close_code

        self.addCleanup(self.bring_back_all_tokens)
        self.assertEqual(1008, asyncio.run(journey()))
        self.assertIn(f"at={self.tokens_file}:7 ", self.gateway.output)
        self.assertEqual(1, self.gateway.metrics()["mas4h_gateway_tokens_file_skipped_lines"])

    def test_a_websocket_needs_a_token_for_slots(self):
        async def opens(**options):
            try:
                async with self.websocket(**options):
                    return 101
            except websockets.InvalidStatusCode as refusal:
                return refusal.status_code

        self.assertEqual(101, asyncio.run(opens(token=self.tokens["fleet"])))
        self.assertEqual(401, asyncio.run(opens()))
        self.assertEqual(403, asyncio.run(opens(token=self.tokens["monitor"])))

    def test_the_logs_name_the_token_of_who_kicks_and_no_log_holds_a_token(self):
        key = self.cluster.make_key("kicked-by-ops")
        device = self.connect(key)
        self.assertEqual(204, self.ask("DELETE", "/v1/tunnels/kicked-by-ops", self.tokens["ops"])[0])
        device.process.wait(10)
        kick = wait_until(lambda: self.cluster.slaves[0].log_lines("kicked-by-ops", "kick", "actor="), 10, "the kick")
        self.assertIn("rest token=ops peer=", kick[0])
        self.assertIn(" token=ops ", self.gateway.output)
        for token in self.tokens.values():
            self.assertNotIn(token, self.gateway.output)

    def connect(self, key):
        slot = self.ask("POST", "/v1/slots", self.tokens["fleet"])[2]["slot"]
        device = Device(ssh_command(self.cluster, slot, key, "-N", "-T", "-v", "-R", f"0:localhost:{self.echo.port}"))
        self.addCleanup(device.stop)
        self.assertGreater(device.port, 0)
        wait_until(lambda: self.ask("GET", "/v1/tunnels/kicked-by-ops", self.tokens["ops"])[0] == 200, 10, "the tunnel")
        return device

    def test_a_reader_of_events_ends_with_its_token(self):
        connection = http.client.HTTPConnection(self.gateway.address("http"), timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", None, {"Authorization": f"Bearer {self.tokens['monitor']}"})
        answer = connection.getresponse()
        self.assertEqual(200, answer.status)
        while answer.readline() != b"event: hello\n":
            pass
        self.addCleanup(self.bring_back_all_tokens)
        self.write_tokens(leave_out=("monitor",))
        self.gateway.reload()
        self.assertIn(b'event: end\ndata: {"reason":"forbidden"}\n', answer.read())

    # --- browsers ---

    def test_a_browser_signs_in_and_its_cookie_stands_for_the_token(self):
        self.assertEqual(401, self.ask("GET", "/v1/session")[0])
        self.assertEqual(401, self.ask("POST", "/v1/session", new_token())[0])
        status, headers, _ = self.ask("POST", "/v1/session", self.tokens["ops"])
        self.assertEqual(204, status)
        cookie, *attributes = headers["Set-Cookie"].split("; ")
        self.assertEqual({"HttpOnly", "SameSite=Strict", "Path=/"}, set(attributes))
        _, headers, _ = self.ask("POST", "/v1/session", self.tokens["ops"], Origin="https://gw.example")
        self.assertIn("; Secure", headers["Set-Cookie"])
        self.assertEqual(
            {"name": "ops", "scopes": ["slot", "read", "operate"], "open": False, "expires_at": None},
            self.ask("GET", "/v1/session", Cookie=cookie)[2])
        self.assertEqual(200, self.ask("GET", "/v1/cluster", Cookie=cookie)[0])
        kick = ("DELETE", "/v1/tunnels/nobody")
        self.assertEqual(403, self.ask(*kick, Cookie=cookie)[0])
        self.assertEqual(404, self.ask(*kick, Cookie=cookie, X_Mas4h_Request="1")[0])
        self.assertEqual(403, self.ask(*kick, Cookie=cookie, X_Mas4h_Request="1", Origin="http://other.example")[0])
        status, headers, _ = self.ask("DELETE", "/v1/session", Cookie=cookie, X_Mas4h_Request="1")
        self.assertEqual(204, status)
        self.assertIn("mas4h_token=;", headers["Set-Cookie"])
        self.assertIn("Max-Age=0", headers["Set-Cookie"])

    def test_a_page_of_another_site_gets_nothing_of_a_gateway_that_is_open(self):
        gateway = self.cluster.gateways[0].described["url"].removeprefix("http://")

        def ask(method, path, **headers):
            return self.ask(method, path, gateway=gateway, **headers)

        self.assertEqual({"name": "", "scopes": ["slot", "read", "operate"], "open": True, "expires_at": None},
                         ask("GET", "/v1/session")[2])
        drain = ("POST", "/v1/slaves/nobody/drain")
        self.assertEqual(404, ask(*drain)[0])
        self.assertEqual(404, ask(*drain, Origin=f"http://{gateway}")[0])
        self.assertEqual(403, ask(*drain, Origin="https://other.example")[0])
        self.assertEqual(403, ask("GET", "/v1/cluster", Origin="null")[0])
        port = gateway.split(":")[1]
        rebound = {"Host": f"rebound.example:{port}", "Origin": f"http://rebound.example:{port}"}
        for method, path in (drain, ("GET", "/v1/cluster"), ("GET", "/v1/events"), ("GET", "/metrics"), ("POST", "/v1/slots")):
            status, _, problem = ask(method, path, **rebound)
            self.assertEqual((403, "forbidden"), (status, problem["code"]), path)
        self.assertEqual(200, ask("GET", "/v1/cluster", Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0])
        self.assertEqual(200, ask("GET", "/healthz", Host="rebound.example")[0])
        status, headers, _ = ask("OPTIONS", "/v1/cluster", Origin="https://other.example",
                                 Access_Control_Request_Method="GET")
        self.assertEqual(405, status)
        _, answered, _ = ask("GET", "/v1/cluster", Origin=f"http://{gateway}")
        for name in [*headers, *answered]:
            self.assertNotIn("access-control", name.lower())

    # --- rates ---

    def test_who_asks_too_often_is_told_when_to_come_again(self):
        token = self.tokens["slow"]
        statuses = [self.ask("GET", "/v1/cluster", token)[0] for _ in range(6)]
        self.assertEqual([200] * 4, statuses[:4])
        self.assertIn(429, statuses)
        status, headers, problem = self.ask("GET", "/v1/cluster", token)
        self.assertEqual((429, "throttled"), (status, problem["code"]))
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertEqual(200, self.ask("GET", "/v1/cluster", self.tokens["monitor"])[0])
        wait_until(lambda: self.ask("GET", "/v1/cluster", token)[0] == 200, 5, "the next request")

    def test_messages_of_a_websocket_count_as_requests(self):
        async def messages():
            async with self.websocket(self.tokens["talker"]) as slots:
                for number in range(6):
                    await slots.send(json.dumps({"request_id": str(number)}))
                return [json.loads(await slots.recv()) for _ in range(6)]

        refused = [answer["error"] for answer in asyncio.run(messages()) if "error" in answer]
        self.assertGreater(len(refused), 0)
        self.assertEqual({"throttled"}, {problem["code"] for problem in refused})

    def test_a_source_that_asks_too_often_is_refused_whatever_it_shows(self):
        self.gateway.reload({"access": {"source_rate": "5", "burst_ms": "1000"}})
        self.addCleanup(self.gateway.reload, {"access": {"source_rate": "0", "burst_ms": "2000"}})
        statuses = [self.ask("GET", "/v1/session", new_token())[0] for _ in range(12)]
        self.assertEqual({401, 429}, set(statuses))
        self.assertEqual(200, self.ask("GET", "/readyz")[0])

    # --- TLS ---

    def https(self, trusted, **settings):
        """A gateway that speaks TLS, and how a client that trusts that authority asks it."""
        gateway = OwnService(self.cluster, "gateway", "encrypted", {
            "http": {"receive_timeout_ms": 2000, **settings}, "access": {"tokens_file": self.tokens_file}})
        self.addCleanup(gateway.stop)
        trust = ssl.create_default_context(cafile=trusted)

        def ask(method, path, token=None, context=trust):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            connection = http.client.HTTPSConnection(gateway.address("https"), timeout=10, context=context)
            with contextlib.closing(connection):
                connection.request(method, path, None, headers)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read(), connection.sock
        wait_until(lambda: ask("GET", "/readyz")[0] == 200, 15, "the gateway being ready")
        return gateway, ask, trust

    def certificate(self, authority):
        certificate, key = authority.issue("gateway", "IP:127.0.0.1")
        return certificate.read_bytes(), key.read_bytes()

    def write_certificate(self, authority):
        for path, content in zip(self.certificate_files, self.certificate(authority)):
            path.write_bytes(content)

    def test_a_gateway_speaks_tls_and_takes_a_renewed_certificate(self):
        folder = Path(tempfile.mkdtemp(prefix="tls-", dir=self.cluster.dir))
        first, second = Authority(folder, "first"), Authority(folder, "second")
        self.certificate_files = folder / "served.pem", folder / "served.key"
        self.write_certificate(first)
        gateway, ask, trust = self.https(
            first.certificate, tls_cert=self.certificate_files[0], tls_key=self.certificate_files[1])
        self.assertEqual(401, ask("GET", "/v1/cluster")[0])
        self.assertEqual(200, ask("GET", "/v1/cluster", self.tokens["ops"])[0])
        self.assertIn("; Secure", ask("POST", "/v1/session", self.tokens["ops"])[1]["Set-Cookie"])
        self.asks_for_slots_by_tls(gateway, trust)
        self.notices_that_a_client_is_gone(gateway, trust)
        self.refuses_what_is_no_tls_or_too_old(gateway, first.certificate)

        self.certificate_files[0].write_bytes(self.certificate(second)[0])  # and not its key
        gateway.reload()
        self.assertIn("the certificate of before holds", gateway.output)
        self.assertEqual(200, ask("GET", "/readyz")[0])
        self.write_certificate(second)
        renewed = ssl.create_default_context(cafile=second.certificate)

        def is_renewed():
            with contextlib.suppress(ssl.SSLError):
                return ask("GET", "/readyz", context=renewed)[0] == 200
        wait_until(is_renewed, 10, "the renewed certificate")
        with self.assertRaises(ssl.SSLError):
            ask("GET", "/readyz")

    def asks_for_slots_by_tls(self, gateway, trust):
        async def journey():
            async with websockets.connect(
                    f"wss://{gateway.address('https')}/v1/slots", ssl=trust,
                    extra_headers={"Authorization": f"Bearer {self.tokens['fleet']}"}) as slots:
                for number in range(100):
                    await slots.send(json.dumps({"request_id": str(number)}))
                answers = [json.loads(await slots.recv()) for _ in range(100)]
                self.assertEqual({str(number) for number in range(100)}, {a["request_id"] for a in answers})
                begin = time.monotonic()
            return time.monotonic() - begin
        self.assertLess(asyncio.run(journey()), 2, "seconds to close a WebSocket")

    def notices_that_a_client_is_gone(self, gateway, trust):
        host, port = gateway.address("https").split(":")
        for number, linger in enumerate((struct.pack("ii", 1, 0), struct.pack("ii", 0, 0))):
            raw = socket.create_connection((host, int(port)), 10)
            client = trust.wrap_socket(raw, server_hostname=host)
            client.sendall(f"GET /v1/slots HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: gone-{number}\r\n"
                           f"Authorization: Bearer {self.tokens['fleet']}\r\n"
                           "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
            self.assertIn(b" 101 ", client.recv(4096))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(client.detach())  # without a word of TLS
            wait_until(lambda: f"request_id=gone-{number} code=1006" in gateway.output, 8, "the end of its WebSocket")

    def refuses_what_is_no_tls_or_too_old(self, gateway, authority):
        host, port = gateway.address("https").split(":")
        with socket.create_connection((host, int(port)), 10) as plain:
            plain.sendall(b"GET /v1/cluster HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                self.assertNotIn(b"HTTP/1.1", plain.recv(1000))
        old = ssl.create_default_context(cafile=authority)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)), \
                socket.create_connection((host, int(port)), 10) as raw:
            old.wrap_socket(raw, server_hostname=host)

    # --- slow clients ---

    def test_clients_that_send_slowly_hold_nobody_up_and_are_cut_off(self):
        host, port = self.gateway.address("http").split(":")
        clients = [socket.create_connection((host, int(port)), 10) for _ in range(SLOW_CLIENTS)]
        self.addCleanup(lambda: [client.close() for client in clients])
        longest, alive, text = 0, clients, b"GET /v1/cluster HTTP/1.1\r\nX-Slow: "
        deadline = time.monotonic() + 20
        while alive and time.monotonic() < deadline:
            still = []
            for client in alive:
                with contextlib.suppress(OSError):
                    client.send(text)
                    client.setblocking(False)
                    try:
                        if client.recv(1) == b"":
                            continue
                    except BlockingIOError:
                        pass
                    client.setblocking(True)
                    still.append(client)
            alive, text = still, b"a"
            begin = time.monotonic()
            self.assertEqual(200, self.ask("GET", "/v1/cluster", self.tokens["monitor"])[0])
            longest = max(longest, time.monotonic() - begin)
        self.assertEqual([], alive)
        self.assertLess(longest, 1)


if __name__ == "__main__":
    unittest.main()
