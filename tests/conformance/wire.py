"""A WebSocket client over a plain socket, which can also do what it must not (RFC 6455)."""

import base64
import contextlib
import hashlib
import os
import socket
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = bytes.fromhex("37fa213d")


def masked(payload, mask=MASK):
    whole = int.from_bytes(payload, "big")
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], "big")
    return (whole ^ key).to_bytes(len(payload), "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=MASK, form=None):
    """The bytes of a frame. `mask` None: without one. `form`: the length's form (7, 16, 64) whatever the length."""
    length = len(payload)
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    head += {7: struct.pack(">B", bit | length if form == 7 else 0),
             16: struct.pack(">BH", bit | 126, length & 0xffff),
             64: struct.pack(">BQ", bit | 127, length)}[form]
    return head + (mask + masked(payload, mask) if mask is not None else payload)


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragments(opcode, pieces):
    """One message in several frames."""
    last = len(pieces) - 1
    return [frame(opcode if i == 0 else CONTINUATION, piece, fin=i == last) for i, piece in enumerate(pieces)]


def chopped(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


class Closed(Exception):
    """The server ended the connection."""


class Client:
    def __init__(self, port, deadline_s=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.have = bytearray()

    def send(self, data):
        """True where the server took it."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def take(self, count):
        while len(self.have) < count:
            data = self.socket.recv(1 << 20)
            if not data:
                raise Closed
            self.have += data
        data = bytes(self.have[:count])
        del self.have[:count]
        return data

    def answer(self):
        """The status and the headers of one answer."""
        while b"\r\n\r\n" not in self.have:
            self.have += self.take_more()
        head, _, rest = bytes(self.have).partition(b"\r\n\r\n")
        self.have = bytearray(rest)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split()[1]), headers

    def take_more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed
        return data

    def shake_hands(self, path="/echo"):
        key = base64.b64encode(os.urandom(16))
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        status, headers = self.answer()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if status != 101 or headers.get("sec-websocket-accept") != accept:
            raise AssertionError(f"handshake: {status} {headers}")

    def read(self):
        """One frame: (opcode, payload). What a server must never send fails."""
        first, second = self.take(2)
        assert second & 0x80 == 0, "a server must not mask (section 5.1)"
        assert first & 0x70 == 0, "no extension was agreed on (section 5.2)"
        length, form = second & 0x7f, 0
        if length >= 126:
            form = 2 if length == 126 else 8
            length = int.from_bytes(self.take(form), "big")
        assert form == 0 or length > (125 if form == 2 else 65535), "the shortest form of a length (section 5.2)"
        assert first & 0x80, "what is echoed comes whole"
        assert first & 0x0f < 8 or length <= 125, "a long control frame (section 5.5)"
        return first & 0x0f, self.take(length)

    def finish(self):
        """Says that nothing more comes, where the server has not ended the connection yet."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def read_end(self):
        """The server ends the connection, and sends nothing before."""
        try:
            data = bytes(self.have) or self.socket.recv(1)
        except ConnectionResetError:
            data = b""
        assert not data, f"after the close frame came {data!r}"

    def close(self):
        self.socket.close()
