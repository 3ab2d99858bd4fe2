"""Services that a test starts by itself beside a cluster: with a configuration file that it can
rewrite, and a socket on which it hears what systemd would."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import tempfile
import threading
import unittest
import urllib.request
from pathlib import Path

from cluster import BUILD, FINDINGS, Program, read_text, wait_until

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000


class Manager:
    """systemd's end of NOTIFY_SOCKET: keeps every message."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mas4h-notify-")
        self.path = f"{self.folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):
            while True:
                self.messages.append(self.socket.recv(4096).decode())

    def told(self, text, since=0):
        """The messages that hold the text, among those after the first `since`."""
        return [message for message in self.messages[since:] if text in message]

    def wait_for(self, text, since=0, seconds=15):
        return wait_until(lambda: self.told(text, since), seconds, f"{text!r} told to systemd")[0]

    def close(self):
        self.socket.close()
        os.unlink(self.path)
        os.rmdir(self.folder)


class OwnNats(Program):
    """A nats-server without mas4h, for what the slaves of a cluster should not meet."""

    def __init__(self):
        super().__init__([shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", "-1"])
        self.url = "nats://" + self.wait_for(r"client connections on (127\.0\.0\.1:\d+)").group(1)


class OwnService(Program):
    """`mas4h-KIND --config FILE` on the bus of a cluster. `settings` is {section: {key: value}}."""

    def __init__(self, cluster, kind, identity, settings=None, environment=None):
        self.kind = kind
        self.folder = Path(tempfile.mkdtemp(prefix=f"{identity}-", dir=cluster.dir))
        self.file = self.folder / f"{kind}.conf"
        self.ready_file = self.folder / "ready"
        self.settings = {
            kind: {"id": identity},
            "nats": {"url": cluster.description["nats_url"]},
            "http": {"listen": "127.0.0.1:0"},
            "run": {"ready_file": self.ready_file},
        }
        if kind == "slave":
            self.settings["slave"]["region"] = f"{identity}-region"
            self.settings["device"] = {"listen": "127.0.0.1:0", "host": "127.0.0.1",
                                       "host_key_dir": self.folder / "keys"}
        if kind == "master":
            self.settings["authorize"] = {"authorized_keys": cluster.authorized_keys}
        self.write(settings or {})
        super().__init__([BUILD / "bin" / f"mas4h-{kind}", "--config", self.file], environment)
        try:
            wait_until(self.ready_file.exists, 30, f"{identity} being ready")
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"{identity} did not become ready:\n{self.output}") from None

    def stop(self, number=signal.SIGTERM):
        super().stop(number)
        found = FINDINGS.search(self.output)
        if found:
            raise AssertionError(self.output[max(0, found.start() - 200):][:6000])

    def write(self, settings):
        """Writes the file anew, all at once: what it must have, and these."""
        for section, values in settings.items():
            self.settings.setdefault(section, {}).update(values)
        text = "".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
            for section, values in self.settings.items())
        self.write_text(text)

    def write_text(self, text):
        beside = self.file.with_suffix(".new")
        beside.write_text(text)
        beside.rename(self.file)

    def reload(self, settings=None):
        """SIGHUP; returns what was logged until the reload was over."""
        if settings is not None:
            self.write(settings)
        before = len(self.output)
        os.kill(self.process.pid, signal.SIGHUP)
        return self.logged_since(before, "is reloaded", "not reloaded")

    def logged_since(self, before, *ends, seconds=15):
        wait_until(lambda: any(end in self.output[before:] for end in ends), seconds,
                   f"a line with one of {ends}")
        return self.output[before:]

    def address(self, name):
        lines = dict(line.split("=", 1) for line in read_text(self.ready_file).splitlines())
        return lines[name]

    def metrics(self):
        """{name with labels: value} of /metrics."""
        with urllib.request.urlopen(f"http://{self.address('http')}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line and not line.startswith("#")}

    def threads(self):
        """{thread id: name}."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return {int(task.name): (task / "comm").read_text().strip() for task in tasks.iterdir()}


class StoppedThread:
    """One thread of a process stands still, by ptrace; the others go on."""

    def __init__(self, thread):
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def __enter__(self):
        if self.libc.ptrace(PTRACE_ATTACH, self.thread, None, None) != 0:
            raise unittest.SkipTest(f"ptrace: {os.strerror(ctypes.get_errno())}")
        os.waitpid(self.thread, WALL)

    def __exit__(self, *_):
        if self.libc.ptrace(PTRACE_DETACH, self.thread, None, None) != 0:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.thread, WALL)  # it was killed; its process waits for us to see that
