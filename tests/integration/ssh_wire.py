"""SSH (RFC 4253, 4252, 4254) packet by packet, for tests that break its rules.

It must not know what a test expects: it sends what it is told, reads only when it is told to, and shows what comes
back. No thread, no state machine: a client that keeps to nothing.
"""

import contextlib
import hashlib
import os
import socket
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

DISCONNECT, IGNORE, UNIMPLEMENTED, SERVICE_REQUEST, SERVICE_ACCEPT = 1, 2, 3, 5, 6
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
AUTH_REQUEST, AUTH_FAILURE, AUTH_SUCCESS = 50, 51, 52
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
CHANNEL_OPEN, CHANNEL_CONFIRM, CHANNEL_FAILURE, WINDOW_ADJUST = 90, 91, 92, 93
CHANNEL_DATA, CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_REQUEST = 94, 96, 97, 98
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


def numbers(*values):
    return struct.pack(">" + "I" * len(values), *values)


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

    def reset(self):
        """Ends the connection without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class _Direction:
    """aes128-gcm@openssh.com one way (RFC 5647)."""

    def __init__(self, key, iv):
        self.cipher = AESGCM(key)
        self.fixed, self.count = iv[:4], int.from_bytes(iv[4:], "big")

    def nonce(self):
        nonce = self.fixed + self.count.to_bytes(8, "big")
        self.count = (self.count + 1) % (1 << 64)
        return nonce


class Client(Wire):
    """A connection that is encrypted from the start on."""

    CIPHER = "aes128-gcm@openssh.com"

    def __init__(self, host, port, name="SSH-2.0-wire", timeout=10):
        super().__init__(host, port, name, timeout)
        self.name, self.server_name = name, self.line()
        self.session_id = self.outward = self.inward = None
        self.exchange()

    def exchange(self):
        """Exchanges keys: at first, or again."""
        ours = kexinit(strict=False, cipher=self.CIPHER)
        secret = X25519PrivateKey.generate()
        point = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.send(ours)
        theirs = self.receive_until(KEXINIT)
        self.send(bytes([ECDH_INIT]) + text(point))
        reply = self.receive_until(ECDH_REPLY)[1:]
        host_key, rest = take_text(reply)
        their_point, _ = take_text(rest)
        shared = mpint(secret.exchange(X25519PublicKey.from_public_bytes(their_point)))
        digest = hashlib.sha256(b"".join(map(text, (
            self.name, self.server_name, ours, theirs, host_key, point, their_point))) + shared).digest()
        self.session_id = self.session_id or digest

        def derive(letter, size):
            return hashlib.sha256(shared + digest + letter + self.session_id).digest()[:size]
        self.send(bytes([NEWKEYS]))
        self.outward = _Direction(derive(b"C", 16), derive(b"A", 12))
        self.receive_until(NEWKEYS)
        self.inward = _Direction(derive(b"D", 16), derive(b"B", 12))

    def seal(self, payload, padding=None):
        if padding is None:
            padding = 16 - (len(payload) + 1) % 16
            padding += 16 if padding < 4 else 0
        length = struct.pack(">I", len(payload) + padding + 1)
        plain = bytes([padding]) + payload + bytes(padding)
        return length + self.outward.cipher.encrypt(self.outward.nonce(), plain, length)

    def send(self, *payloads):
        seal = self.seal if self.outward else packet
        self.socket.sendall(b"".join(seal(payload) for payload in payloads))

    def receive(self):
        if self.inward is None:
            return super().receive()
        self._fill(4)
        length = struct.unpack(">I", self.received[:4])[0]
        self._fill(4 + length + 16)
        plain = self.inward.cipher.decrypt(
            self.inward.nonce(), self.received[4:4 + length + 16], self.received[:4])
        self.received = self.received[4 + length + 16:]
        return plain[1:len(plain) - plain[0]]

    def request_service(self, name="ssh-userauth"):
        self.send(bytes([SERVICE_REQUEST]) + text(name))
        self.receive_until(SERVICE_ACCEPT)

    def authenticate(self, key_path, user="device"):
        key = load_ssh_private_key(key_path.read_bytes(), None)
        public = text("ssh-ed25519") + text(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        request = (bytes([AUTH_REQUEST]) + text(user) + text("ssh-connection") + text("publickey") + b"\1" +
                   text("ssh-ed25519") + text(public))
        signature = key.sign(text(self.session_id) + request)
        self.send(request + text(text("ssh-ed25519") + text(signature)))
        self.receive_until(AUTH_SUCCESS)

    def forward(self, address="", port=0):
        """Asks for a port: its number."""
        self.send(forward_request(address, port))
        return struct.unpack(">I", self.receive_until(REQUEST_SUCCESS)[1:5])[0] if port == 0 else port

    def accept_channel(self, ours=0, window=1 << 20, packet_max=32768):
        """Confirms the channel that the server opens next: its number at the server."""
        offer = self.receive_until(CHANNEL_OPEN)
        theirs = struct.unpack(">I", take_text(offer[1:])[1][:4])[0]
        self.send(bytes([CHANNEL_CONFIRM]) + numbers(theirs, ours, window, packet_max))
        return theirs


def take_text(data):
    size = struct.unpack(">I", data[:4])[0]
    return data[4:4 + size], data[4 + size:]


def mpint(data):
    data = data.lstrip(b"\0")
    return text(b"\0" + data if data[:1] >= b"\x80" else data)


def global_request(name, wants_reply=True, rest=b""):
    return bytes([GLOBAL_REQUEST]) + text(name) + bytes([wants_reply]) + rest


def forward_request(address="", port=0, wants_reply=True):
    return global_request("tcpip-forward", wants_reply, text(address) + numbers(port))


def cancel_request(address="", port=0, wants_reply=True):
    return global_request("cancel-tcpip-forward", wants_reply, text(address) + numbers(port))


def channel_data(channel, data):
    return bytes([CHANNEL_DATA]) + numbers(channel) + text(data)
