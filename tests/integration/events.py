"""An independent subscriber to the cluster's events: NATS's text protocol on a plain socket, and
protobuf classes that protoc makes from proto/ when the test begins. It must not know mas4h's code.
"""

import contextlib
import importlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from cluster import ROOT

_classes = None


def _made_classes():
    """The modules of messages, by the names of their files."""
    global _classes
    if _classes is None:
        folder = tempfile.mkdtemp(prefix="mas4h-proto-")
        sys.path.insert(0, folder)
        try:
            sources = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
            subprocess.run(
                ["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}", *sources],
                check=True)
            _classes = {name: importlib.import_module(f"mas4h.v1.{name}_pb2")
                        for name in ("authorize", "command", "device", "event", "slot")}
        finally:
            sys.path.remove(folder)
            shutil.rmtree(folder)
    return _classes


def event_class():
    """The class mas4h.v1.Event."""
    return message_module("event").Event


def message_module(name):
    """The module of one .proto file: message_module("authorize").AuthorizeRequest."""
    return _made_classes()[name]


def slot_message_class():
    """The class mas4h.v1.SlotMessage."""
    return message_module("slot").SlotMessage


class Subscriber:
    """Collects every Event on a subject, from the moment of its making; after NATS was away it
    subscribes again."""

    def __init__(self, nats_url, subject="mas4h.v1.events.>"):
        host, port = nats_url.removeprefix("nats://").split(":")
        self.address = (host, int(port))
        self.subject = subject
        self.event_type = event_class()
        self.events = []
        self.subjects = []
        self.message_ids = []
        self.changed = threading.Condition()
        self.closed = False
        self.socket = self._subscribe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _subscribe(self):
        connection = socket.create_connection(self.address, 5)
        connection.settimeout(None)
        self.stream = connection.makefile("rb")
        self.stream.readline()  # INFO
        options = json.dumps({"verbose": False, "pedantic": False, "headers": True, "name": "test",
                              "lang": "python", "version": "1", "protocol": 1})
        connection.sendall(f"CONNECT {options}\r\nSUB {self.subject} 1\r\nPING\r\n".encode())
        while self.stream.readline().strip() != b"PONG":
            pass
        return connection

    def _run(self):
        while not self.closed:
            with contextlib.suppress(OSError, ValueError):
                self._read()
            self.socket.close()
            while not self.closed:
                time.sleep(0.05)
                with contextlib.suppress(OSError):
                    self.socket = self._subscribe()
                    break

    def _read(self):
        while line := self.stream.readline():
            words = line.split()
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                header_size = int(words[-2]) if words[0] == b"HMSG" else 0
                content = self.stream.read(int(words[-1]))
                self.stream.read(2)
                self._take(words[1].decode(), content[:header_size], content[header_size:])

    def _take(self, subject, header, payload):
        event = self.event_type.FromString(payload)
        lines = header.decode(errors="replace").splitlines()
        ids = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("nats-msg-id:")]
        with self.changed:
            self.events.append(event)
            self.subjects.append(subject)
            self.message_ids.append(ids[0] if ids else None)
            self.changed.notify_all()

    def of(self, kind, client_key=None):
        """The events of a kind ("connect", "disconnect", ...), of one device where it is named."""
        with self.changed:
            return [e for e in self.events if e.WhichOneof("payload") == kind
                    and (client_key is None or self._client_key(e) == client_key)]

    @staticmethod
    def _client_key(event):
        payload = getattr(event, event.WhichOneof("payload"))
        return payload.tunnel.client_key if hasattr(payload, "tunnel") else getattr(payload, "client_key", None)

    def wait_for(self, kind, client_key=None, seconds=15, where=lambda payload: True):
        """The payload of the first such event."""
        def look():
            return next((getattr(e, kind) for e in self.of(kind, client_key) if where(getattr(e, kind))), None)
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found is not None:
                return found
            with self.changed:
                if not self.changed.wait(min(0.2, max(0.0, deadline - time.monotonic()))) \
                        and time.monotonic() >= deadline:
                    raise AssertionError(f"no {kind} event of {client_key or 'any device'} within {seconds} s")

    def reason_name(self, payload):
        return payload.DESCRIPTOR.fields_by_name["reason"].enum_type.values_by_number[payload.reason].name

    def close(self):
        self.closed = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.socket.close()
