"""7 closing."""

import struct

from cases import Case, text
from wire import CLOSE, PING, TEXT, close, fragments, frame

VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


def handshakes():
    hello = frame(TEXT, b"Hello World!")
    yield Case("7.1.1", "a message, then close", [hello, close(1000)], [text(b"Hello World!")], closes=True)
    yield Case("7.1.2", "two close frames", [close(1000), close(1000)], closes=True)
    yield Case("7.1.3", "a ping after close is not answered", [close(1000), frame(PING)], closes=True)
    yield Case("7.1.4", "text after close is ignored", [close(1000), hello], closes=True)
    one, two = fragments(TEXT, [b"fragment1", b"fragment2"])
    yield Case("7.1.5", "close within a message", [one, close(1000), two], closes=True)
    large = b"BAsd7&jh23" * 26 * 1024
    yield Case("7.1.6", "260 KB, text, close, ping", [frame(TEXT, large), hello, close(1000), frame(PING)],
               [text(large), text(b"Hello World!")], closes=True)


def payloads():
    yield Case("7.3.1", "close without payload", [close()], closes=True, end=None)
    yield Case("7.3.2", "close of one byte", [frame(CLOSE, b"a")], end=1002)
    yield Case("7.3.3", "close with a code", [close(1000)], closes=True)
    yield Case("7.3.4", "close with a reason", [close(1000, b"Hello World!")], closes=True)
    yield Case("7.3.5", "the longest reason", [close(1000, b"*" * 123)], closes=True)
    yield Case("7.3.6", "close of 126 bytes", [close(1000, b"*" * 124)], end=1002)
    yield Case("7.5.1", "a reason that is not UTF-8", [close(1000, bytes.fromhex("cebae1bdb9cf83ceb5eda080"))], end=1007)


def codes():
    for i, code in enumerate(VALID, 1):
        yield Case(f"7.7.{i}", f"code {code} comes back", [close(code)], closes=True, end=code)
    for i, code in enumerate(INVALID, 1):
        yield Case(f"7.9.{i}", f"code {code} is none", [frame(CLOSE, struct.pack(">H", code))], end=1002)


def cases():
    for group in (handshakes, payloads, codes):
        yield from group()
