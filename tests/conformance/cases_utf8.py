"""6 UTF-8. Which sequences there are follows Markus Kuhn's "UTF-8 decoder capability and stress test"; which of them
are right is asked of Python's decoder, which shares nothing with the server's."""

from cases import Case, text
from wire import TEXT, chopped, fragments, frame

KOSME = "κόσμε".encode()
SURROGATE = KOSME + bytes.fromhex("eda080") + b"edited"
TOO_FAR = KOSME + bytes.fromhex("f4908080") + b"edited"


def is_valid(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def judged(number, title, payload, sends=None):
    """Its end is what Python says of the payload."""
    sends = sends or [frame(TEXT, payload)]
    return Case(number, title, sends, [text(payload)]) if is_valid(payload) else Case(number, title, sends, end=1007)


def hexes(*values):
    return [bytes.fromhex(value) for value in values]


def first_starts(first, last):
    return b"".join(bytes([byte, 0x20]) for byte in range(first, last))


def noncharacters():
    yield from hexes("efbfbe", "efbfbf")
    for plane in range(1, 17):
        for low in (0xfffe, 0xffff):
            yield chr(plane << 16 | low).encode()


INCOMPLETE = hexes("c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf")

# From 6.5 on, in this order.
GROUPS = (
    ("valid text", ["hello$world".encode(), "hello¢world".encode(), "hello€world".encode(),
                    "hello𤭢world".encode(), KOSME]),
    ("each prefix of a word", [KOSME[:i] for i in range(1, len(KOSME) + 1)]),
    ("the first of each length", hexes("00", "c280", "e0a080", "f0908080")),
    ("the first of 5 and 6 bytes", hexes("f888808080", "fc8480808080")),
    ("the last of each length", hexes("7f", "dfbf", "efbfbf", "f48fbfbf")),
    ("the last of 4, 5 and 6 bytes", hexes("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")),
    ("around the bounds", hexes("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080")),
    ("continuation bytes alone", [bytes([0x80]), bytes([0xbf])] + [(b"\x80\xbf" * 3)[:i] for i in range(2, 7)]
     + [bytes(range(0x80, 0xbf))]),
    ("start bytes alone", [first_starts(*span) for span in ((0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb),
                                                            (0xfc, 0xfd))]),
    ("the last byte is missing", INCOMPLETE),
    ("many of these", [b"".join(INCOMPLETE)]),
    ("impossible bytes", hexes("fe", "ff", "fefeffff")),
    ("overlong /", hexes("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")),
    ("the longest overlong", hexes("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")),
    ("overlong NUL", hexes("c080", "e08080", "f0808080", "f880808080", "fc8080808080")),
    ("surrogates", hexes("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")),
    ("pairs of surrogates", hexes("eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf", "edae80edb080",
                                  "edae80edbfbf", "edafbfedb080", "edafbfedbfbf")),
    ("noncharacters, which are valid", list(noncharacters())),
    ("specials", hexes("efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf")),
)


def messages():
    yield judged("6.1.1", "empty text", b"")
    yield judged("6.1.2", "three empty fragments", b"", fragments(TEXT, [b"", b"", b""]))
    yield judged("6.1.3", "an empty fragment, one that is not, an empty one", b"middle frame payload",
                 fragments(TEXT, [b"", b"middle frame payload", b""]))
    word = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    yield judged("6.2.1", "text", word)
    yield judged("6.2.2", "text in two fragments, cut between characters", word, fragments(TEXT, [word[:12], word[12:]]))
    yield judged("6.2.3", "text in fragments of one byte", word, fragments(TEXT, chopped(word, 1)))
    yield judged("6.2.4", "κόσμε in fragments of one byte", KOSME, fragments(TEXT, chopped(KOSME, 1)))
    yield judged("6.3.1", "a surrogate in the middle", SURROGATE)
    yield judged("6.3.2", "the same in fragments of one byte", SURROGATE, fragments(TEXT, chopped(SURROGATE, 1)))


def at_once():
    """The message never ends: what is wrong is seen where it stands (section 8.1: "at any time")."""
    first, second = fragments(TEXT, [TOO_FAR[:12], TOO_FAR[12:] + b"!"])[0], TOO_FAR[12:]
    yield Case("6.4.1", "seen in the fragment where it is", [first, frame(0, second, fin=False)], end=1007)
    yield Case("6.4.2", "seen where a character begins that cannot be", [
        frame(TEXT, TOO_FAR[:12], fin=False), frame(0, TOO_FAR[12:13], fin=False)], end=1007)
    whole = frame(TEXT, TOO_FAR)
    yield Case("6.4.3", "seen before the frame ends", [whole[:6 + 13]], end=1007)
    yield Case("6.4.4", "seen before the frame ends, byte by byte", chopped(whole[:6 + 13], 1), end=1007)


def cases():
    yield from messages()
    yield from at_once()
    for i, (title, sequences) in enumerate(GROUPS, 5):
        for j, sequence in enumerate(sequences, 1):
            yield judged(f"6.{i}.{j}", f"{title}: {sequence[:12].hex(' ')}{' ...' if len(sequence) > 12 else ''}", sequence)
