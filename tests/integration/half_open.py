"""A crowd of strangers on one port, as a program: it holds half-open SSH connections and opens a new
one for each that is closed. Of KIND

    stop   a quarter is silent, a quarter names itself and stops, a quarter begins a key exchange and
           stops, a quarter sends garbage
    bytes  each sends one byte a second of an identification without an end
    words  each names itself and then sends one packet without a meaning a second

    half_open.py KIND HOST PORT COUNT REOPENS_PER_SECOND [SOURCE]

Says `tried N` once COUNT connections were tried, and `held N tried N` when its input ends."""

import collections
import errno
import os
import resource
import selectors
import socket
import sys
import time

KEXINIT_HEAD = b"\0\0\x03\xfc\x0a\x14" + b"k" * 16 + b"\0\0\0\x1acurve25519-sha256"
IGNORE = b"\0\0\0\x0c\x06\x02" + b"\0" * 10
NAME = b"SSH-2.0-loris\r\n"
PAUSE_S = 1.0
# What they say, each as the pieces between which they pause.
SAYINGS = {
    "stop": ((), (NAME,), (NAME + KEXINIT_HEAD,), (b"\x16\x03\x01\x02\0" + b"\xff" * 60,)),
    "bytes": (tuple(bytes((byte,)) for byte in b"SSH-2.0-" + b"x" * 200),),
    "words": ((NAME,) + (IGNORE,) * 100,),
}


class Crowd:
    def __init__(self, kind, address, count, rate, source):
        self.sayings = SAYINGS[kind]
        self.address, self.count, self.rate, self.source = address, count, rate, source
        self.resting = collections.deque()  # (when to go on, connection), in order
        self.selector = selectors.DefaultSelector()
        self.held = 0
        self.tried = 0

    def open(self):
        connection = socket.socket()
        connection.setblocking(False)
        if self.source:
            connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            connection.bind((self.source, 0))
        if connection.connect_ex(self.address) not in (0, errno.EINPROGRESS):
            connection.close()
            return
        saying = self.sayings[self.tried % len(self.sayings)]
        self.tried += 1
        self.held += 1
        self.selector.register(connection, selectors.EVENT_WRITE if saying else selectors.EVENT_READ, saying)

    def go_on(self):
        """Those that have paused long enough say their next piece."""
        while self.resting and self.resting[0][0] <= time.monotonic():
            connection = self.resting.popleft()[1]
            if connection.fileno() >= 0:
                saying = self.selector.get_key(connection).data
                self.selector.modify(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, saying)

    def close(self, connection):
        self.selector.unregister(connection)
        connection.close()
        self.held -= 1

    def serve(self, key, events):
        try:
            if events & selectors.EVENT_WRITE:
                key.fileobj.send(key.data[0])
                self.selector.modify(key.fileobj, selectors.EVENT_READ, key.data[1:])
                if len(key.data) > 1:
                    self.resting.append((time.monotonic() + PAUSE_S, key.fileobj))
            elif not key.fileobj.recv(4096):
                self.close(key.fileobj)
        except BlockingIOError:
            pass
        except OSError:
            self.close(key.fileobj)

    def run(self):
        told = False
        allowance, last = 0.0, time.monotonic()
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            now = time.monotonic()
            allowance, last = min(self.rate, allowance + (now - last) * self.rate), now
            while self.held < self.count and (allowance >= 1 or self.tried < self.count):
                self.open()
                allowance = max(0, allowance - 1)
                if self.tried % 100 == 0:
                    break
            if not told and self.tried >= self.count:
                told = True
                print(f"tried {self.tried}", flush=True)
            self.go_on()
            for key, events in self.selector.select(0.01):
                if key.fileobj is sys.stdin:
                    if not os.read(0, 100):
                        print(f"held {self.held} tried {self.tried}", flush=True)
                        return
                else:
                    self.serve(key, events)


def main():
    kind, host, port, count, rate, *source = sys.argv[1:]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd(kind, (host, int(port)), int(count), float(rate), source[0] if source else None).run()


if __name__ == "__main__":
    main()
