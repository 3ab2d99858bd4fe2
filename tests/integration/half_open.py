"""A crowd of strangers on one port, as a program: it holds half-open SSH connections, a quarter silent,
a quarter that name themselves and stop, a quarter that begin a key exchange and stop, a quarter that
send garbage, and opens a new one for each that is closed.

    half_open.py HOST PORT COUNT REOPENS_PER_SECOND [SOURCE]

Says `tried N` once COUNT connections were tried, and `held N tried N` when its input ends."""

import errno
import os
import resource
import selectors
import socket
import sys
import time

KEXINIT_HEAD = b"\0\0\x03\xfc\x0a\x14" + b"k" * 16 + b"\0\0\0\x1acurve25519-sha256"
SAYINGS = (b"", b"SSH-2.0-loris\r\n", b"SSH-2.0-loris\r\n" + KEXINIT_HEAD, b"\x16\x03\x01\x02\0" + b"\xff" * 60)


class Crowd:
    def __init__(self, address, count, rate, source):
        self.address, self.count, self.rate, self.source = address, count, rate, source
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
        saying = SAYINGS[self.tried % len(SAYINGS)]
        self.tried += 1
        self.held += 1
        self.selector.register(connection, selectors.EVENT_WRITE if saying else selectors.EVENT_READ, saying)

    def close(self, connection):
        self.selector.unregister(connection)
        connection.close()
        self.held -= 1

    def serve(self, key):
        try:
            if key.data:
                key.fileobj.send(key.data)
                self.selector.modify(key.fileobj, selectors.EVENT_READ, b"")
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
            for key, _ in self.selector.select(0.01):
                if key.fileobj is sys.stdin:
                    if not os.read(0, 100):
                        print(f"held {self.held} tried {self.tried}", flush=True)
                        return
                else:
                    self.serve(key)


def main():
    host, port, count, rate, *source = sys.argv[1:]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd((host, int(port)), int(count), float(rate), source[0] if source else None).run()


if __name__ == "__main__":
    main()
