"""A reader of GET /v1/events, as the standard of server-sent events describes one (HTML, section 9.2), and one
who publishes events under a slave's name. They must not know mas4h's code."""

import http.client
import json
import socket
import threading
import time

from events import event_class


class Feed:
    """Reads the feed in a thread of its own. Each event is {"name", "id", "data"}; `id` is what
    the client would send as Last-Event-ID after it."""

    def __init__(self, url, query="", last_event_id=None):
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        self.connection.request("GET", f"/v1/events{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.socket = self.connection.sock or self.answer.fp.raw._sock
        self.events, self.comments, self.retry, self.ended = [], 0, None, False
        self.changed = threading.Condition()
        if self.status == 200:
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()

    def _run(self):
        name, data, last_id = "message", [], ""
        try:
            while line := self.answer.readline():
                line = line.decode().rstrip("\n")
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                with self.changed:
                    if line == "":
                        if data:
                            self.events.append({"name": name, "id": last_id, "data": json.loads("\n".join(data))})
                        name, data = "message", []
                    elif field == "":
                        self.comments += 1
                    elif field == "event":
                        name = value
                    elif field == "data":
                        data.append(value)
                    elif field == "id":
                        last_id = value
                    elif field == "retry":
                        self.retry = int(value)
                    self.changed.notify_all()
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def of(self, name):
        with self.changed:
            return [e for e in self.events if e["name"] == name]

    def wait_until(self, condition, seconds=15, what="the condition"):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (found := condition()):
                if not self.changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    names = [e["name"] for e in self.events]
                    raise AssertionError(f"{what} did not come within {seconds} s; there were {names[-20:]}")
        return found

    def wait_for(self, name, seconds=15, where=lambda data: True):
        """The first such event."""
        return self.wait_until(
            lambda: next((e for e in self.events if e["name"] == name and where(e["data"])), None),
            seconds, f"an event {name}")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.status == 200:
            self.thread.join(5)
        self.connection.close()


class Publisher:
    """Publishes disconnect events of a slave that there is not, over NATS's text protocol."""

    def __init__(self, port, slave="made-up", region="local"):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"name":"test","lang":"python","version":"1"}\r\n')
        self.slave, self.region, self.epoch, self.seq = slave, region, int(time.time() * 1000), 0
        self.event_type = event_class()

    def publish(self, count, client_key="made-up-device"):
        for _ in range(count):
            self.seq += 1
            event = self.event_type(
                event_id=f"{self.slave}:{self.epoch}:{self.seq}", slave_id=self.slave, region=self.region,
                epoch=self.epoch, seq=self.seq)
            event.time.GetCurrentTime()
            event.disconnect.client_key = client_key
            event.disconnect.tunnel_id = f"{self.seq:016x}"
            event.disconnect.reason = 1
            payload = event.SerializeToString()
            header = f"NATS/1.0\r\nNats-Msg-Id: {event.event_id}\r\n\r\n".encode()
            subject = f"mas4h.v1.events.{self.region}.{self.slave}.disconnect"
            self.socket.sendall(f"HPUB {subject} {len(header)} {len(header) + len(payload)}\r\n".encode()
                                + header + payload + b"\r\n")
        self.flush()

    def flush(self):
        self.socket.sendall(b"PING\r\n")
        while (line := self.stream.readline().strip()) != b"PONG":
            if not line:
                raise AssertionError("NATS has closed the connection")

    def close(self):
        self.socket.close()
