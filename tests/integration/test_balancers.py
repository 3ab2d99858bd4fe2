"""Gateways behind HAProxy and nginx, configured as in deploy/: a rolling restart of both gateways fails no request and
leaves no WebSocket away; clients keep their own address; events are not held back; what a stranger says of himself is
not believed."""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest
from pathlib import Path

import websockets

from cluster import ClusterTestCase, Program, wait_until
from own_service import OwnService
from test_nats_tls import Authority

DEPLOY = Path(__file__).parents[2] / "deploy"
WEBSOCKETS = 15  # of each balancer
BACKOFF_S = 0.5
CHECKS_MS = 150


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def replaced(text, replacements):
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


class Balancer:
    """One of deploy/, before two gateways: the file as it is, but for addresses, certificate and pace of checks."""

    def __init__(self, folder, gateways, certificate, key):
        self.port = free_port()
        self.context = ssl.create_default_context(cafile=str(certificate.parent / "authority.pem"))
        self.file = folder / self.shipped.name
        self.file.write_text(replaced(self.shipped.read_text(), {
            "10.0.0.11:8080": gateways[0], "10.0.0.12:8080": gateways[1],
            **self.replacements(folder, certificate, key)}))
        self.program = Program(self.command())
        try:
            wait_until(self.accepts, 15, f"{self.name} being there")
        except AssertionError:
            self.close()
            raise AssertionError(self.program.output) from None

    def accepts(self):
        with contextlib.suppress(OSError), contextlib.closing(self.connection()) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False

    def connection(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context,
                                           source_address=(self.client, 0))

    def ask(self, method, path, **headers):
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def close(self):
        self.program.stop()


class Haproxy(Balancer):
    name, client = "haproxy", "127.0.0.8"
    shipped = DEPLOY / "haproxy" / "haproxy.cfg"

    def replacements(self, folder, certificate, key):
        both = folder / "mas4h.pem"
        both.write_text(certificate.read_text() + key.read_text())
        return {"bind :443 ": f"bind 127.0.0.1:{self.port} ", "/etc/haproxy/mas4h.pem": str(both),
                "inter 1s": f"inter {CHECKS_MS}ms"}

    def command(self):
        return ["haproxy", "-db", "-f", self.file]


class HaproxyByProxyProtocol(Haproxy):
    """With the PROXY protocol, as the last lines of deploy/haproxy say."""

    source = "127.0.0.2"

    def replacements(self, folder, certificate, key):
        return {**super().replacements(folder, certificate, key), "    option forwardfor\n": "",
                "fall 2 rise 1": f"fall 2 rise 1 send-proxy-v2 check-send-proxy source {self.source}"}


class Nginx(Balancer):
    name, client = "nginx", "127.0.0.9"
    shipped = DEPLOY / "nginx" / "nginx.conf"

    def replacements(self, folder, certificate, key):
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f" {kind}_temp_path {folder}/{kind};" for kind in kinds)
        return {"listen 443 ": f"listen 127.0.0.1:{self.port} ", "/etc/nginx/mas4h.crt": str(certificate),
                "/etc/nginx/mas4h.key": str(key), "/run/nginx.pid": str(folder / "nginx.pid"),
                "access_log off;": "access_log off;" + paths}

    def command(self):
        return ["nginx", "-c", self.file, "-e", "stderr", "-g", "daemon off;"]


class Asker:
    """A client of REST that asks again and again; `fresh`: by a new connection each time."""

    requests = (("GET", "/v1/cluster", None), ("POST", "/v1/slots", "{}"), ("GET", "/v1/tunnels", None))

    def __init__(self, balancer, fresh):
        self.balancer, self.fresh = balancer, fresh
        self.answered, self.failures = 0, []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        connection = self.balancer.connection()
        for method, path, body in itertools.cycle(self.requests):
            if self.ending.wait(0.005):
                break
            try:
                connection.request(method, path, body)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    self.failures.append((self.balancer.name, method, path, answer.status, content))
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((self.balancer.name, method, path, repr(error)))
                connection.close()
            if self.fresh:
                connection.close()
                connection = self.balancer.connection()
        connection.close()

    def end(self):
        self.ending.set()
        self.thread.join(30)


class EventReader:
    """Reads /v1/events, again and again; keeps the names of events, and whether each stream ended with its `end`."""

    def __init__(self, balancer):
        self.balancer = balancer
        self.streams = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ending.is_set():
            names = []
            self.streams.append(names)
            with contextlib.suppress(OSError, http.client.HTTPException), \
                    contextlib.closing(self.balancer.connection()) as connection:
                connection.request("GET", "/v1/events")
                answer = connection.getresponse()
                while not self.ending.is_set() and (line := answer.readline()):
                    if line.startswith(b"event: "):
                        names.append(line[7:].decode().strip())
            self.ending.wait(0.05)

    def end(self):
        self.ending.set()


class Sockets:
    """WebSockets that ask for slots; each comes back after a random rest of at most BACKOFF_S."""

    def __init__(self, balancers):
        self.balancers = balancers
        self.codes, self.away_s, self.failures, self.answered = [], [], [], 0
        self.open = 0
        self.ending = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.thread.start()

    async def _run(self):
        await asyncio.gather(*(self._live(balancer) for balancer in self.balancers for _ in range(WEBSOCKETS)))

    async def _live(self, balancer):
        closed = None
        while not self.ending:
            try:
                async with websockets.connect(f"wss://127.0.0.1:{balancer.port}/v1/slots", ssl=balancer.context) as slots:
                    if closed is not None:
                        self.away_s.append(time.monotonic() - closed)
                    self.open += 1
                    try:
                        await self._ask(slots)
                    finally:
                        self.open -= 1
            except websockets.ConnectionClosed as end:
                self.codes.append(end.rcvd.code if end.rcvd else None)
            except (OSError, websockets.InvalidHandshake, asyncio.TimeoutError) as error:
                self.failures.append((balancer.name, repr(error)))
            closed = time.monotonic()
            await asyncio.sleep(random.uniform(0, BACKOFF_S))

    async def _ask(self, slots):
        for number in itertools.count():
            if self.ending:
                return
            await slots.send(json.dumps({"request_id": str(number)}))
            answer = json.loads(await asyncio.wait_for(slots.recv(), 10))
            if "slot" in answer:
                self.answered += 1
            elif "error" in answer and answer["error"]["code"] != "unavailable":  # it was asked while the gateway took its leave
                self.failures.append(answer)
            await asyncio.sleep(random.uniform(0.1, 0.2))

    def end(self):
        self.ending = True
        self.thread.join(30)


class Balancers(ClusterTestCase):
    options = ("--slaves", "1")
    # Far more than the slave would be given in earnest.
    environment = {"MAS4H_MASTER_DISPATCH_SLOTS_PER_SECOND": "0", "MAS4H_MASTER_DISPATCH_RESERVATION_MS": "0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        cls.gateways = [cls.gateway(number) for number in range(2)]
        cls.addClassCleanup(lambda: [gateway.stop() for gateway in cls.gateways])
        folder = cls.cluster.dir / "balancers"
        folder.mkdir()
        authority = Authority(folder, "authority")
        cls.pair = authority.issue("balancer", "IP:127.0.0.1")
        cls.balancers = []
        for kind in (Haproxy, Nginx):
            cls.balancers.append(kind(folder, cls.addresses, *cls.pair))
            cls.addClassCleanup(cls.balancers[-1].close)

    @classmethod
    def gateway(cls, number):
        return OwnService(cls.cluster, "gateway", f"behind-{number + 1}", {
            "http": {"listen": cls.addresses[number], "trusted_proxies": "127.0.0.1, 10.0.0.0/8"},
            "run": {"drain_delay_ms": 6 * CHECKS_MS, "drain_spread_ms": 500}})

    def wait_until_used(self, gateway):
        """Both balancers know that it is there, and let it answer."""
        for balancer in self.balancers:
            wait_until(lambda: gateway.output.count(f" peer={balancer.client} ") >= 10, 15,
                       f"{balancer.name} asking the gateway again")

    def roll(self, number):
        """Restarts one gateway as its operator would, by SIGTERM."""
        self.gateways[number].stop()
        output = self.gateways[number].output
        self.gateways[number] = self.gateway(number)
        self.wait_until_used(self.gateways[number])
        return output

    def test_a_rolling_restart_fails_no_request_and_every_websocket_comes_back(self):
        askers = [Asker(balancer, fresh) for balancer in self.balancers for fresh in (False, False, True)]
        sockets = Sockets(self.balancers)
        readers = [EventReader(balancer) for balancer in self.balancers]
        wait_until(lambda: sockets.open == 2 * WEBSOCKETS, 15, "all WebSockets being open")
        outputs = []
        for number in range(2):
            outputs.append(self.roll(number))
            wait_until(lambda: sockets.open == 2 * WEBSOCKETS, 15, "all WebSockets being open again")
        for client in (*readers, *askers, sockets):
            client.end()
        self.assertEqual([], [failure for asker in askers for failure in asker.failures])
        self.assertEqual([], sockets.failures)
        self.assertEqual({1001}, set(sockets.codes))
        self.assertGreaterEqual(len(sockets.codes), 2 * WEBSOCKETS)
        self.assertLess(max(sockets.away_s), BACKOFF_S + 1)
        print(f"\n{sum(asker.answered for asker in askers)} requests, {sockets.answered} slots by WebSocket, "
              f"{len(sockets.codes)} closed by 1001, away for {max(sockets.away_s):.2f} s at most")
        for reader in readers:
            ended = reader.streams[:-1]
            self.assertGreaterEqual(len(ended), 1, reader.balancer.name)
            self.assertEqual({("hello", "end")}, {(names[0], names[-1]) for names in ended}, reader.streams)
        for output in outputs:
            self.assertIn("open=0 drained", output)

    # --- whose request it is ---

    def direct(self, path="/v1/cluster", source="127.0.0.1", gateway=None, **headers):
        """(status, headers) of a request past the balancers."""
        address = (gateway or self.gateways[0]).address("http")
        with contextlib.closing(http.client.HTTPConnection(address, timeout=10, source_address=(source, 0))) as connection:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers

    def peer_of(self, request_id):
        """Whom a gateway's log names for that request."""
        def line():
            return [line for gateway in self.gateways for line in gateway.output.splitlines()
                    if f"request_id={request_id} " in line]
        return wait_until(line, 10, "a line of the log")[0].partition(" peer=")[2].split()[0]

    def test_the_log_names_the_client_whatever_it_says_of_itself(self):
        for balancer in self.balancers:
            with self.subTest(balancer.name):
                name = f"seen-by-{balancer.name}"
                status, headers, _ = balancer.ask("GET", "/v1/cluster", X_Request_Id=name, X_Forwarded_For="203.0.113.66",
                                                  Forwarded="for=203.0.113.66", X_Real_IP="203.0.113.66")
                self.assertEqual((200, name), (status, headers["X-Request-Id"]))
                self.assertEqual(balancer.client, self.peer_of(name))

    def test_only_trusted_proxies_are_believed(self):
        self.direct(source="127.0.0.7", X_Request_Id="stranger", X_Forwarded_For="203.0.113.66")
        self.assertRegex(self.peer_of("stranger"), r"^127\.0\.0\.7:\d+$")
        self.direct(X_Request_Id="chain", X_Forwarded_For="203.0.113.66, 192.0.2.7:4711, 10.0.0.9")
        self.assertEqual("192.0.2.7:4711", self.peer_of("chain"))
        self.direct(X_Request_Id="rfc7239", Forwarded="for=203.0.113.66")  # of which the gateway was told nothing
        self.assertRegex(self.peer_of("rfc7239"), r"^127\.0\.0\.1:\d+$")

    def test_rates_are_those_of_the_clients_not_of_the_balancer(self):
        self.gateways[0].reload({"access": {"source_rate": "2", "burst_ms": "1000"}})
        self.addCleanup(self.gateways[0].reload, {"access": {"source_rate": "0"}})
        statuses = [self.direct(X_Forwarded_For="192.0.2.8")[0] for _ in range(10)]
        self.assertIn(429, statuses)
        self.assertEqual(200, self.direct(X_Forwarded_For="192.0.2.9")[0])

    # --- the PROXY protocol ---

    def test_by_the_proxy_protocol_too_clients_keep_their_address_and_nobody_else_is_let_in(self):
        gateway = OwnService(self.cluster, "gateway", "by-proxy-protocol", {
            "http": {"trusted_proxies": HaproxyByProxyProtocol.source, "proxy_protocol": "required",
                     "receive_timeout_ms": 1000},
            "run": {"drain_delay_ms": 1000}})
        self.addCleanup(gateway.stop)
        host, port = gateway.address("http").removeprefix("http://").split(":")
        folder = self.cluster.dir / "by-proxy-protocol"
        folder.mkdir()
        balancer = HaproxyByProxyProtocol(folder, [f"{host}:{port}", f"{host}:{free_port()}"], *self.pair)
        self.addCleanup(balancer.close)
        balancer.ask("GET", "/v1/cluster", X_Request_Id="by-v2")
        wait_until(lambda: "request_id=by-v2 " in gateway.output, 10, "a line of the log")
        self.assertRegex(gateway.output, rf" peer={balancer.client}:\d+ request_id=by-v2 ")

        def raw(data, source=balancer.source):
            connection = socket.create_connection((host, int(port)), 10, source_address=(source, 0))
            self.addCleanup(connection.close)
            with contextlib.suppress(OSError):
                connection.sendall(data)
            return connection

        request = b"GET /v1/cluster HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: by-v1\r\nConnection: close\r\n\r\n"
        self.assertIn(b"200 OK", raw(b"PROXY TCP4 192.0.2.7 192.0.2.8 7 443\r\n" + request).recv(100))
        wait_until(lambda: " peer=192.0.2.7:7 request_id=by-v1 " in gateway.output, 10, "a line of the log")
        self.assertNotIn(" closed: ", gateway.output)
        refused = [raw(b"PROXY TCP4 192.0.2.7 192.0.2.8 7 443\r\n" + request, source="127.0.0.1"), raw(request), raw(b"")]
        for connection in refused:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(b"", connection.recv(100))
        wait_until(lambda: " closed: no header of the PROXY protocol in time" in gateway.output, 10, "a line of the log")
        self.assertRegex(balancer.ask("GET", "/metrics")[2].decode(), r"mas4h_gateway_http_proxy_refusals_total 3\n")

        # It takes its leave: not ready, serving, and whoever waits for nothing does not hold it up.
        raw(b"")
        os.kill(gateway.process.pid, signal.SIGTERM)
        answer = wait_until(lambda: raw(b"PROXY UNKNOWN\r\nGET /readyz HTTP/1.0\r\n\r\n").recv(4096), 10, "an answer")
        self.assertIn(b"503", answer.splitlines()[0])
        answer = raw(b"PROXY UNKNOWN\r\nGET /v1/cluster HTTP/1.1\r\nHost: localhost\r\n\r\n").recv(4096)
        self.assertIn(b"200 OK", answer)
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(0, gateway.process.wait(10))
        self.assertIn("open=0 drained", gateway.output)
