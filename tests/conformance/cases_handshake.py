"""H the opening handshake (sections 4.1, 4.2): what the client says, and the status it gets."""

from dataclasses import dataclass, field

from wire import Client

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # section 1.3
GOOD = {"Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13"}


@dataclass
class Handshake:
    number: str
    title: str
    status: int
    changes: dict = field(default_factory=dict)  # headers other than GOOD's; None: left out
    line: str = "GET /echo HTTP/1.1"
    more: tuple = ()  # header lines besides
    has: dict = field(default_factory=dict)  # headers that the answer must have; None: must not

    def expected(self):
        said = [f"`{name}: {value}`" if value else f"no `{name}`" for name, value in self.has.items()
                if name != "Sec-WebSocket-Accept"]
        return ", ".join([str(self.status)] + said)

    def request(self):
        headers = {**GOOD, **self.changes}
        lines = [self.line] + [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join(lines + list(self.more) + ["", ""]).encode("latin-1")


def protocol(name):
    return f"Sec-WebSocket-Protocol: {name}"


CASES = [
    Handshake("H.1", "the example of section 1.3", 101, has={
        "Sec-WebSocket-Accept": ACCEPT, "Upgrade": "websocket", "Sec-WebSocket-Protocol": None,
        "Sec-WebSocket-Extensions": None}),
    Handshake("H.2", "tokens in other case", 101, {"Upgrade": "WebSocket", "Connection": "upgrade"}),
    Handshake("H.3", "lists of tokens", 101, {"Upgrade": "h2c, websocket", "Connection": "keep-alive, Upgrade"}),
    Handshake("H.4", "Connection in two lines", 101, {"Connection": "keep-alive"}, more=("Connection: Upgrade",)),
    Handshake("H.5", "names of headers in other case", 101, {"Upgrade": None}, more=("uPGRADE: websocket",)),
    Handshake("H.6", "POST", 405, line="POST /echo HTTP/1.1", more=("Content-Length: 0",)),
    Handshake("H.7", "HTTP/1.0", 400, line="GET /echo HTTP/1.0"),
    Handshake("H.8", "no Host", 400, {"Host": None}),
    Handshake("H.9", "no Upgrade", 426, {"Upgrade": None}, has={"Sec-WebSocket-Version": "13"}),
    Handshake("H.10", "Upgrade to something else", 426, {"Upgrade": "h2c"}),
    Handshake("H.11", "no Connection", 400, {"Connection": None}),
    Handshake("H.12", "Connection without Upgrade", 400, {"Connection": "keep-alive"}),
    Handshake("H.13", "no key", 400, {"Sec-WebSocket-Key": None}),
    Handshake("H.14", "a key of 15 bytes", 400, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j"}),
    Handshake("H.15", "a key that is not base64", 400, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ!=="}),
    Handshake("H.16", "an empty key", 400, {"Sec-WebSocket-Key": ""}),
    Handshake("H.17", "two keys", 400, more=(f"Sec-WebSocket-Key: {KEY}",)),
    Handshake("H.18", "no version", 426, {"Sec-WebSocket-Version": None}, has={"Sec-WebSocket-Version": "13"}),
    Handshake("H.19", "version 8", 426, {"Sec-WebSocket-Version": "8"}, has={"Sec-WebSocket-Version": "13"}),
    Handshake("H.20", "versions 8 and 13", 426, {"Sec-WebSocket-Version": "8, 13"}),
    Handshake("H.21", "two versions in two lines", 426, {"Sec-WebSocket-Version": "8"},
              more=("Sec-WebSocket-Version: 13",)),
    Handshake("H.22", "a subprotocol that is spoken", 101, more=(protocol("echo.2"),),
              has={"Sec-WebSocket-Protocol": "echo.2"}),
    Handshake("H.23", "several: the client's order", 101, more=(protocol("chat, echo.2, echo"),),
              has={"Sec-WebSocket-Protocol": "echo.2"}),
    Handshake("H.24", "several in two lines", 101, more=(protocol("chat"), protocol("echo")),
              has={"Sec-WebSocket-Protocol": "echo"}),
    Handshake("H.25", "only unknown ones", 400, more=(protocol("chat"),)),
    Handshake("H.26", "names of subprotocols are exact", 400, more=(protocol("ECHO"),)),
    Handshake("H.27", "extensions are not agreed on", 101, more=("Sec-WebSocket-Extensions: permessage-deflate",),
              has={"Sec-WebSocket-Extensions": None}),
    Handshake("H.28", "an unknown path", 404, line="GET /nothing HTTP/1.1"),
    Handshake("H.29", "a query in the target", 101, line="GET /echo?a=b HTTP/1.1"),
]


def run(case, port):
    client = Client(port)
    try:
        client.send(case.request())
        status, headers = client.answer()
        assert status == case.status, f"{case.status} was expected, {status} came"
        for name, value in case.has.items():
            came = headers.get(name.lower())
            assert came == value, f"{name}: {value} was expected, {came} came"
    finally:
        client.close()
