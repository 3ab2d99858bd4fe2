"""9 sizes and numbers, 10 writes, M masks, L lengths: what is large, cut or written otherwise than it must be.

A message has at most 1,024 fragments here; more is answered by 1009, which the RFC leaves to the server (10.4)."""

from cases import Case, binary, text
from wire import BINARY, PING, TEXT, chopped, fragments, frame

KB, MB = 1024, 1024 * 1024
FRAGMENTS_MAX, MESSAGE_MAX = 1024, 16 * MB
KINDS = ((TEXT, text, "text"), (BINARY, binary, "binary"))


def sizes():
    for group, (opcode, answer, name) in enumerate(KINDS, 1):
        for i, size in enumerate((64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB), 1):
            payload = b"*" * size
            yield Case(f"9.{group}.{i}", f"{name}, {size // KB} KB", [frame(opcode, payload)], [answer(payload)])
    for group, (opcode, answer, name) in enumerate(KINDS, 3):
        payload = b"*" * 4 * MB
        for i, size in enumerate((64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB), 1):
            title = f"{name}, 4 MB in fragments of {size}"
            if 4 * MB // size > FRAGMENTS_MAX:
                pieces = [payload[:size]] * (FRAGMENTS_MAX + 2)
                yield Case(f"9.{group}.{i}", title, [b"".join(fragments(opcode, pieces))], end=1009)
            else:
                yield Case(f"9.{group}.{i}", title, [b"".join(fragments(opcode, chopped(payload, size)))], [answer(payload)])
    for group, (opcode, answer, name) in enumerate(KINDS, 5):
        payload = b"*" * MB
        for i, size in enumerate((64, 128, 256, 512, 1024, 2048), 1):
            yield Case(f"9.{group}.{i}", f"{name}, 1 MB in writes of {size}", chopped(frame(opcode, payload), size),
                       [answer(payload)])
    for group, (opcode, answer, name) in enumerate(KINDS, 7):
        for i, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            payload = b"*" * size
            yield Case(f"9.{group}.{i}", f"200 × {name} of {size} bytes", [frame(opcode, payload) * 200],
                       [answer(payload)] * 200)
    yield Case("9.9.1", "one byte more than a message may have", [frame(BINARY, b"*" * (MESSAGE_MAX + 1))[:14]], end=1009)
    half = b"*" * (8 * MB)
    yield Case("9.9.2", "one byte more, in fragments", [
        frame(BINARY, half, fin=False), frame(0, half, fin=False), frame(0, b"*", fin=True)], end=1009)


def writes():
    payload = b"*" * 65536
    yield Case("10.1.1", "64 KB in writes of 1300", chopped(frame(TEXT, payload), 1300), [text(payload)])


def masks():
    """Section 5.1: a server fails a connection on which a frame is not masked."""
    hello = b"Hello"
    yield Case("M.1", "text without a mask", [frame(TEXT, hello, mask=None)], end=1002)
    yield Case("M.2", "empty text without a mask", [frame(TEXT, b"", mask=None)], end=1002)
    yield Case("M.3", "ping without a mask", [frame(PING, hello, mask=None)], end=1002)
    yield Case("M.4", "close without a mask", [frame(8, b"\x03\xe8", mask=None)], end=1002)
    yield Case("M.5", "text, text without a mask, in one write", [frame(TEXT, hello) + frame(TEXT, hello, mask=None)],
               [text(hello)], end=1002)
    yield Case("M.6", "second fragment without a mask", [frame(TEXT, hello, fin=False), frame(0, hello, mask=None)],
               end=1002)
    yield Case("M.7", "a mask of zeroes", [frame(TEXT, hello, mask=bytes(4))], [text(hello)])
    yield Case("M.8", "another mask for each frame", [frame(TEXT, hello, mask=bytes([i, 255 - i, i, 7]))
                                                      for i in range(50)], [text(hello)] * 50)


def lengths():
    """Section 5.2: the shortest form of a length, and no more than 63 bits."""
    yield Case("L.1", "5 bytes as 16 bits", [frame(TEXT, b"Hello", form=16)], end=1002)
    yield Case("L.2", "125 bytes as 16 bits", [frame(TEXT, b"*" * 125, form=16)], end=1002)
    yield Case("L.3", "5 bytes as 64 bits", [frame(TEXT, b"Hello", form=64)], end=1002)
    yield Case("L.4", "65,535 bytes as 64 bits", [frame(TEXT, b"*" * 65535, form=64)], end=1002)
    yield Case("L.5", "a length with its highest bit set", [b"\x82\xff" + b"\x80" + bytes(7) + bytes(4)], end=1002)
    yield Case("L.6", "2^63 - 1 bytes", [b"\x82\xff" + b"\x7f" + b"\xff" * 7 + bytes(4)], end=1009)
    yield Case("L.7", "a ping as 16 bits", [frame(PING, b"Hello", form=16)], end=1002)


def cases():
    for group in (sizes, writes, masks, lengths):
        yield from group()
