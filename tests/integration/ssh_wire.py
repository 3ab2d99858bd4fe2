"""The unencrypted beginning of SSH (RFC 4253), packet by packet, for tests that break its rules.

It must not know what a test expects: it sends what it is told and shows what comes back.
"""

import contextlib
import os
import socket
import struct

IGNORE, UNIMPLEMENTED, SERVICE_REQUEST = 2, 3, 5
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
STRICT_CLIENT = "kex-strict-c-v00@openssh.com"
STRICT_SERVER = "kex-strict-s-v00@openssh.com"
# A key exchange needs a point; the base point itself will do where no secret is needed.
POINT = b"\x09" + bytes(31)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def packet(payload):
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(kex="curve25519-sha256", strict=True, cipher="aes128-ctr", mac="hmac-sha2-256-etm@openssh.com"):
    lists = [kex + ("," + STRICT_CLIENT if strict else ""), "ssh-ed25519", cipher, cipher, mac, mac,
             "none", "none", "", ""]
    return bytes([KEXINIT]) + os.urandom(16) + b"".join(map(text, lists)) + bytes(5)


class Wire:
    """One connection; `name` is our identification, None sends none."""

    def __init__(self, host, port, name="SSH-2.0-wire", timeout=10):
        self.socket = socket.create_connection((host, port), timeout)
        self.address = "%s:%d" % self.socket.getsockname()
        self.received = b""
        if name is not None:
            self.socket.sendall(name.encode() + b"\r\n")

    def send(self, *payloads):
        for payload in payloads:
            self.socket.sendall(packet(payload))

    def _fill(self, count):
        while len(self.received) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.received += data

    def line(self):
        while b"\n" not in self.received:
            self._fill(len(self.received) + 1)
        line, _, self.received = self.received.partition(b"\n")
        return line.rstrip(b"\r").decode()

    def receive(self):
        """The payload of the next packet."""
        self._fill(5)
        length, padding = struct.unpack(">IB", self.received[:5])
        self._fill(4 + length)
        payload = self.received[5:4 + length - padding]
        self.received = self.received[4 + length:]
        return payload

    def receive_until(self, kind):
        while True:
            payload = self.receive()
            if payload[0] == kind:
                return payload

    def is_closed_within(self, seconds):
        """Whether the other side ends the connection; what it sends before is dropped."""
        self.socket.settimeout(seconds)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            try:
                while self.socket.recv(65536):
                    pass
            except TimeoutError:
                return False
        return True

    def close(self):
        self.socket.close()
