"""What a case is, and how it is judged.

A case sends its pieces, expects exactly its answers in their order, and then an end: 1000, where the connection must
still be good (the client closes it and gets its close frame back), or the code by which the server must fail it."""

import socket
import struct
from dataclasses import dataclass, field

from wire import BINARY, CLOSE, NAMES, PONG, TEXT, Client, Closed, close


@dataclass
class Case:
    number: str
    title: str
    sends: list  # of bytes, each by a write of its own
    answers: list = field(default_factory=list)  # of (opcode, payload)
    end: int = 1000
    closes: bool = False  # the pieces hold the client's close frame; `end` is the code that comes back, None: none
    heavy: bool = False

    def expected(self):
        parts = [summary(self.answers)] if self.answers else []
        if self.closes:
            parts.append(f"close {self.end}" if self.end is not None else "close")
        elif self.end != 1000:
            parts.append(f"fails with {self.end}")
        return ", ".join(parts) or "open"


def summary(answers):
    """"3 pongs" rather than three of them."""
    parts = []
    for name in ("text", "binary", "pong"):
        count = sum(1 for opcode, _ in answers if NAMES[opcode] == name)
        if count:
            parts.append(name if count == 1 else f"{count} × {name}")
    return ", ".join(parts)


def text(payload):
    return (TEXT, payload)


def binary(payload):
    return (BINARY, payload)


def pong(payload=b""):
    return (PONG, payload)


def brief(payload):
    return f"{payload[:40]!r} of {len(payload)}"


def send_all(client, case):
    for piece in case.sends:
        if not client.send(piece):
            return case.end != 1000
    return True


def check_close(client, code):
    opcode, payload = client.read()
    assert opcode == CLOSE, f"a close frame was expected, {NAMES.get(opcode, opcode)} {brief(payload)} came"
    came = struct.unpack(">H", payload[:2])[0] if payload else None
    assert came == code, f"close {code} was expected, {came} {payload[2:]!r} came"
    payload[2:].decode("utf-8")


def run(case, port):
    """Fails by AssertionError."""
    client = Client(port)
    try:
        client.shake_hands()
        assert send_all(client, case), "the server ended the connection"
        for opcode, payload in case.answers:
            came = client.read()
            assert came == (opcode, payload), (
                f"{NAMES[opcode]} {brief(payload)} was expected, {NAMES.get(came[0], came[0])} {brief(came[1])} came")
        if case.end == 1000 and not case.closes:
            client.send(close(1000))
        check_close(client, case.end)
        if case.end != 1000 and not case.closes:
            # The close handshake's other half, where the server still listens.
            client.send(close(case.end))
            client.finish()
        client.read_end()
    except (Closed, ConnectionResetError) as error:
        raise AssertionError("the connection ended without its close frame") from error
    except socket.timeout as error:
        raise AssertionError("nothing came") from error
    finally:
        client.close()
