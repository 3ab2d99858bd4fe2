"""Gateways behind HAProxy and nginx, configured as in deploy/: a rolling restart of both gateways fails no request and
leaves no WebSocket away; clients keep their own address; events are not held back; what a stranger says of himself is
not believed."""

import asyncio
import contextlib
import http.client
import itertools
import json
import random
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
        pair = authority.issue("balancer", "IP:127.0.0.1")
        cls.balancers = []
        for kind in (Haproxy, Nginx):
            cls.balancers.append(kind(folder, cls.addresses, *pair))
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
        wait_until(lambda: sockets.open == 2 * WEBSOCKETS, 15, "all WebSockets being open")
        outputs = []
        for number in range(2):
            outputs.append(self.roll(number))
            wait_until(lambda: sockets.open == 2 * WEBSOCKETS, 15, "all WebSockets being open again")
        for client in (*askers, sockets):
            client.end()
        self.assertEqual([], [failure for asker in askers for failure in asker.failures])
        self.assertEqual([], sockets.failures)
        self.assertEqual({1001}, set(sockets.codes))
        self.assertGreaterEqual(len(sockets.codes), 2 * WEBSOCKETS)
        self.assertLess(max(sockets.away_s), BACKOFF_S + 1)
        print(f"\n{sum(asker.answered for asker in askers)} requests, {sockets.answered} slots by WebSocket, "
              f"{len(sockets.codes)} closed by 1001, away for {max(sockets.away_s):.2f} s at most")
        for output in outputs:
            self.assertIn("open=0 drained", output)
