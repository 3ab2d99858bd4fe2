"""Asks masters about keys, as a slave does: many questions at once, without a device for each."""

import base64
import contextlib
import json
import socket
import subprocess
import threading
import uuid
from pathlib import Path

from cluster import fingerprint
from events import message_module


class Key:
    """A public key, and how it is named; a certificate where it has one."""

    def __init__(self, folder, name, certificate_of=None):
        path = Path(folder) / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        self.public = " ".join(Path(f"{path}.pub").read_text().split()[:2])
        self.fingerprint = fingerprint(f"{path}.pub")
        self.blob = blob_of(self.public)
        if certificate_of is not None:
            subprocess.run(["ssh-keygen", "-q", "-s", certificate_of, "-I", name, "-n", name, f"{path}.pub"], check=True)
            self.certificate = " ".join(Path(f"{path}-cert.pub").read_text().split()[:2])
            self.blob = blob_of(self.certificate)


def blob_of(line):
    return base64.b64decode(line.split()[1])


class Nats:
    """A client with one subscription, which `_take` hears of: (subject, reply, content)."""

    def __init__(self, nats_url, subscription):
        host, port = nats_url.removeprefix("nats://").split(":")
        self.socket = socket.create_connection((host, int(port)), 5)
        self.socket.settimeout(None)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()  # INFO
        options = json.dumps({"verbose": False, "pedantic": False, "headers": True, "no_responders": True,
                              "name": "questions", "lang": "python", "version": "1", "protocol": 1})
        self.socket.sendall(f"CONNECT {options}\r\nSUB {subscription} 1\r\nPING\r\n".encode())
        while self.stream.readline().strip() != b"PONG":
            pass
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError):
            while line := self.stream.readline():
                words = line.split()
                if words[0] == b"PING":
                    self.socket.sendall(b"PONG\r\n")
                elif words[0] in (b"MSG", b"HMSG"):
                    content = self.stream.read(int(words[-1]))
                    self.stream.read(2)
                    sizes = 1 if words[0] == b"MSG" else 2
                    reply = words[3].decode() if len(words) == 4 + sizes else None
                    self._take(words[1].decode(), reply, content if sizes == 1 else None)

    def publish(self, subject, content, reply=""):
        self.socket.sendall(f"PUB {subject} {reply} {len(content)}\r\n".encode() + content + b"\r\n")

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Asker(Nats):
    """Puts questions to a master by its name."""

    def __init__(self, nats_url, master="master-1"):
        self.subject = f"mas4h.v1.master.{master}.authorize"
        self.messages = message_module("authorize")
        self.answers, self.sent = {}, 0
        self.changed = threading.Condition()
        self.inbox = f"_INBOX.{uuid.uuid4().hex}"
        super().__init__(nats_url, f"{self.inbox}.*")

    def _take(self, subject, reply, content):
        with self.changed:
            self.answers[int(subject.rpartition(".")[2])] = content
            self.changed.notify_all()

    def send(self, key, **said):
        """Asks, and returns the number of the question."""
        said = {"slave_id": "slave-1", "region": "local", "username": "device", "remote_address": "192.0.2.7:4711",
                **said}
        request = self.messages.AuthorizeRequest(public_key=key.blob, key_fingerprint=key.fingerprint, **said)
        return self.put(self.subject, request)

    def put(self, subject, request):
        """Sends any question, and returns its number."""
        self.sent += 1
        self.publish(subject, request.SerializeToString(), f"{self.inbox}.{self.sent}")
        return self.sent

    def answer(self, number, seconds=10):
        return self.messages.AuthorizeReply.FromString(self.content(number, seconds))

    def content(self, number, seconds=10):
        """The bytes of the answer to a question."""
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers, seconds):
                raise AssertionError("the master does not answer")
            content = self.answers[number]
        if content is None:
            raise AssertionError("no master listens")
        return content

    def ask(self, key, **said):
        return self.answer(self.send(key, **said))


class Answerer(Nats):
    """A validator of a test's own: `behave` gets what is asked, and returns the answer or None."""

    def __init__(self, nats_url, behave, subject="mas4h.v1.validate"):
        self.behave, self.asked = behave, []
        super().__init__(nats_url, subject)

    def _take(self, subject, reply, content):
        self.asked.append(content)
        answer = self.behave(content)
        if answer is not None:
            self.publish(reply, answer)
