"""Thousands of WebSockets, idle in one process of the gateway: what each costs, and that all of them are served.
M4H_WEBSOCKETS says how many."""

import json
import os
import resource
import socket
import unittest

from cluster import ClusterTestCase

OPEN = int(os.environ.get("M4H_WEBSOCKETS", "9500"))
SANITIZED = 500
# What one may cost the gateway, without what the kernel holds for its socket.
BYTES_MAX = 16384
HANDSHAKE = (b"GET /v1/slots HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


class Crowd(ClusterTestCase):
    environment = {"MAS4H_GATEWAY_HTTP_CONNECTIONS_MAX": "10000",
                   "MAS4H_GATEWAY_HTTP_SOURCE_CONNECTIONS_MAX": "0"}

    def pss(self):
        with open(f"/proc/{self.cluster.description['gateways'][0]['pid']}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))

    def dial(self):
        connection = socket.create_connection(self.address, 30)
        self.addCleanup(connection.close)
        connection.sendall(HANDSHAKE)
        return connection

    @staticmethod
    def head(connection):
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += connection.recv(1)
        return data

    @staticmethod
    def ask(connection, number):
        message = json.dumps({"request_id": str(number)}).encode()
        connection.sendall(bytes([0x81, 0x80 | len(message)]) + bytes(4) + message)

    @staticmethod
    def answer(connection):
        head = connection.recv(2, socket.MSG_WAITALL)
        length = head[1]
        if length == 126:
            length = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
        return json.loads(connection.recv(length, socket.MSG_WAITALL))

    def test_thousands_are_cheap_and_all_of_them_are_served(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = min(SANITIZED if self.cluster.is_sanitized else OPEN, limit - 500)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        host, port = self.cluster.description["gateways"][0]["url"].removeprefix("http://").split(":")
        self.address = (host, int(port))
        connections = [self.dial() for _ in range(100)]
        for connection in connections:
            self.assertIn(b" 101 ", self.head(connection))
        before = self.pss()
        while len(connections) < count:
            more = [self.dial() for _ in range(min(100, count - len(connections)))]
            for connection in more:
                self.assertIn(b" 101 ", self.head(connection))
            connections += more
        each = (self.pss() - before) / (count - 100)
        for first in range(0, count, 100):
            batch = connections[first:first + 100]
            for number, connection in enumerate(batch):
                self.ask(connection, number)
            for number, connection in enumerate(batch):
                answer = self.answer(connection)
                self.assertEqual(str(number), answer["request_id"])
                self.assertTrue("slot" in answer or "error" in answer)
        after = (self.pss() - before) / (count - 100)
        print(f"{count} WebSockets: {each:.0f} bytes each idle, {after:.0f} after a slot each")
        if not self.cluster.is_sanitized:
            self.assertLess(each, BYTES_MAX)
            self.assertLess(after, BYTES_MAX)


if __name__ == "__main__":
    unittest.main()
