"""1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation."""

from cases import Case, binary, pong, text
from wire import BINARY, CONTINUATION, PING, PONG, TEXT, chopped, close, fragments, frame

LENGTHS = (0, 125, 126, 127, 128, 65535, 65536)


def framing():
    for group, opcode, answer, name, byte in ((1, TEXT, text, "text", b"*"), (2, BINARY, binary, "binary", b"\xfe")):
        for i, length in enumerate(LENGTHS, 1):
            payload = byte * length
            yield Case(f"1.{group}.{i}", f"{name}, {length} bytes", [frame(opcode, payload)], [answer(payload)])
        payload = byte * 65536
        yield Case(f"1.{group}.8", f"{name}, 65536 bytes in pieces of 997",
                   chopped(frame(opcode, payload), 997), [answer(payload)])


def pings():
    long = b"\xfe" * 125
    yield Case("2.1", "ping without payload", [frame(PING)], [pong()])
    yield Case("2.2", "ping with text", [frame(PING, b"Hello, world!")], [pong(b"Hello, world!")])
    yield Case("2.3", "ping with bytes", [frame(PING, b"\0\xff\xfe\xfd\xfc\xfb\0\xff")],
               [pong(b"\0\xff\xfe\xfd\xfc\xfb\0\xff")])
    yield Case("2.4", "ping, 125 bytes", [frame(PING, long)], [pong(long)])
    yield Case("2.5", "ping, 126 bytes", [frame(PING, long + b"\xfe")], end=1002)
    yield Case("2.6", "ping, 125 bytes one by one", chopped(frame(PING, long), 1), [pong(long)])
    yield Case("2.7", "pong that nobody asked for", [frame(PONG)])
    yield Case("2.8", "pong with payload that nobody asked for", [frame(PONG, b"unsolicited")])
    yield Case("2.9", "such a pong, then a ping", [frame(PONG, b"unsolicited"), frame(PING, b"ping")], [pong(b"ping")])
    ten = [b"payload-%d" % i for i in range(10)]
    yield Case("2.10", "ten pings", [frame(PING, data) for data in ten], [pong(data) for data in ten])
    yield Case("2.11", "ten pings byte by byte", chopped(b"".join(frame(PING, data) for data in ten), 1),
               [pong(data) for data in ten])


def reserved_bits():
    hello, ping = b"Hello, world!", frame(PING)
    good = frame(TEXT, hello)
    yield Case("3.1", "text with RSV 1", [frame(TEXT, hello, rsv=1)], end=1002)
    for number, rsv, how, cut in (("3.2", 2, "in one write", None), ("3.3", 3, "frame by frame", 0),
                                  ("3.4", 4, "byte by byte", 1)):
        sends = [good, frame(TEXT, hello, rsv=rsv), ping]
        if cut != 0:
            sends = [b"".join(sends)] if cut is None else chopped(b"".join(sends), cut)
        yield Case(number, f"text, text with RSV {rsv}, ping, {how}", sends, [text(hello)], end=1002)
    yield Case("3.5", "binary with RSV 5", [frame(BINARY, b"\0\xff\xfe\xfd\xfc\xfb\0\xff", rsv=5)], end=1002)
    yield Case("3.6", "ping with RSV 6", [frame(PING, hello, rsv=6)], end=1002)
    yield Case("3.7", "close with RSV 7", [bytes([0x88 | 0x70]) + close(1000)[1:]], end=1002)


def opcodes():
    hello = b"Hello, world!"
    for group, first in ((1, 3), (2, 11)):
        for i in range(5):
            opcode = first + i
            number = f"4.{group}.{i + 1}"
            if i < 2:
                yield Case(number, f"opcode {opcode}" + (" with payload" if i else ""),
                           [frame(opcode, hello if i else b"")], end=1002)
                continue
            sends = [frame(TEXT, hello), frame(opcode, hello if i > 2 else b""), frame(PING)]
            if i == 4:
                sends = chopped(b"".join(sends), 1)
            yield Case(number, f"text, opcode {opcode}, ping" + (" byte by byte" if i == 4 else ""),
                       sends, [text(hello)], end=1002)


def fragmentation():
    two = fragments(TEXT, [b"fragment1", b"fragment2"])
    both = text(b"fragment1fragment2")
    yield Case("5.1", "ping in two fragments", fragments(PING, [b"fragment1", b"fragment2"]), end=1002)
    yield Case("5.2", "pong in two fragments", fragments(PONG, [b"fragment1", b"fragment2"]), end=1002)
    yield Case("5.3", "text in two fragments, one write", [b"".join(two)], [both])
    yield Case("5.4", "text in two fragments", two, [both])
    yield Case("5.5", "text in two fragments, byte by byte", chopped(b"".join(two), 1), [both])
    with_ping = [two[0], frame(PING, b"ping"), two[1]]
    yield Case("5.6", "a ping between, one write", [b"".join(with_ping)], [pong(b"ping"), both])
    yield Case("5.7", "a ping between", with_ping, [pong(b"ping"), both])
    yield Case("5.8", "a ping between, byte by byte", chopped(b"".join(with_ping), 1), [pong(b"ping"), both])
    for first, fin in ((9, True), (12, False)):
        sends = [frame(CONTINUATION, b"non-continuation payload", fin=fin), frame(TEXT, b"Hello, world!")]
        name = f"continuation of nothing (FIN {int(fin)}), then text"
        yield Case(f"5.{first}", name + ", one write", [b"".join(sends)], end=1002)
        yield Case(f"5.{first + 1}", name, sends, end=1002)
        yield Case(f"5.{first + 2}", name + ", byte by byte", chopped(b"".join(sends), 1), end=1002)
    yield Case("5.15", "a message, continuation of nothing, text",
               two + [frame(CONTINUATION, b"fragment3", fin=False), frame(TEXT, b"fragment4")], [both], end=1002)
    for number, fin in (("5.16", False), ("5.17", True)):
        yield Case(number, f"twice: continuation of nothing (FIN {int(fin)}), a text in two fragments",
                   2 * ([frame(CONTINUATION, b"fragment1", fin=fin)] + two), end=1002)
    yield Case("5.18", "a message begins within another", [two[0], frame(TEXT, b"fragment2")], end=1002)
    five = fragments(TEXT, [b"fragment%d" % i for i in range(1, 6)])
    pinged = five[:2] + [frame(PING, b"pongme 1!")] + five[2:4] + [frame(PING, b"pongme 2!")] + five[4:]
    answers = [pong(b"pongme 1!"), pong(b"pongme 2!"), text(b"".join(b"fragment%d" % i for i in range(1, 6)))]
    yield Case("5.19", "five fragments and two pings", pinged, answers)
    yield Case("5.20", "five fragments and two pings, one write", [b"".join(pinged)], answers)


def cases():
    for group in (framing, pings, reserved_bits, opcodes, fragmentation):
        yield from group()
