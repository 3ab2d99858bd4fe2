"""A real cluster for a test: started by deploy/local.sh, seen through its public faces.

It must not know what a test checks: the REST API, NATS, SSH clients and the logs are all that is
here, each as a stranger would use it. Nothing of mas4h is linked or imported; even the protobuf
classes are made from the .proto files by protoc.
"""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("M4H_BUILD_DIR", ROOT / "build" / "release")).resolve()
FINDINGS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed")


def wait_until(condition, seconds=15, what="the condition"):
    """Returns the first true value of condition(), which is tried until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(0.02)


def read_text(path):
    """The text of a file, "" where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    return ""


def process_is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def processes_naming(text):
    """The command lines that hold the text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if text in command:
                found.append(command)
    return found


class Service:
    """One process of the cluster. It can be killed and started again by the very same command."""

    def __init__(self, identity, described):
        self.identity = identity
        self.log_path = Path(described["log"])
        self.command = Path(described["command"])
        self.pid_path = self.command.with_suffix(".pid")
        self.described = described
        self.child = None

    @property
    def pid(self):
        return int(self.pid_path.read_text())

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_lines(self, *parts):
        """The lines of the log that hold all of the parts."""
        return [line for line in self.log().splitlines() if all(part in line for part in parts)]

    def kill(self, number=signal.SIGKILL):
        pid = self.pid
        os.kill(pid, number)
        if self.child is not None and self.child.pid == pid:
            self.child.wait(30)
        wait_until(lambda: not process_is_alive(pid), 30, f"the end of {self.identity}")

    def start(self, **settings):
        """Starts it as a child of the test, and waits for its ready file, if it has one."""
        ready = self.command.with_suffix(".ready")
        ready.unlink(missing_ok=True)  # of one that was killed
        self.child = subprocess.Popen(
            [str(self.command)], start_new_session=True, env={**os.environ, **settings})
        if self.identity == "nats":
            port = self.described["port"]
            wait_until(lambda: accepts(port), 20, "nats-server listening")
        else:
            wait_until(ready.exists, 30, f"{ready}")

    def restart_as_child(self, **settings):
        if self.child is None or self.child.poll() is None:
            self.kill(signal.SIGTERM)
        self.start(**settings)


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Cluster:
    """A cluster in a folder of its own. `authorized_keys` is the test's to write."""

    def __init__(self, *options, name="cluster", environment=None):
        parent = BUILD / "integration"
        parent.mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        self.authorized_keys = self.dir / "devices.keys"
        self.authorized_keys.write_text("")
        self.is_sanitized = bool(re.search(r"^M4H_SANITIZE:\w+=.", read_text(BUILD / "CMakeCache.txt"), re.M))
        self.environment = {**os.environ, "MAS4H_BUILD_DIR": str(BUILD), **(environment or {})}
        self.run_local(
            "up", "--detach", "--no-device", "--authorized-keys", str(self.authorized_keys), *options)
        self.description = json.loads((self.dir / "cluster.json").read_text())
        nats = dict(self.description["nats"])
        nats["port"] = int(self.description["nats_url"].rpartition(":")[2])
        self.nats = Service("nats", nats)
        self.masters = [Service(d["id"], d) for d in self.description["masters"]]
        self.slaves = [Service(d["id"], d) for d in self.description["slaves"]]
        self.gateways = [Service(d["id"], d) for d in self.description["gateways"]]

    def run_local(self, *arguments):
        result = subprocess.run(
            ["bash", str(ROOT / "deploy" / "local.sh"), *arguments, "--dir", str(self.dir)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=180)
        if result.returncode != 0:
            raise AssertionError(f"local.sh {arguments[0]} failed:\n{result.stdout}")
        return result.stdout

    def services(self):
        return [*self.masters, *self.slaves, *self.gateways]

    def wait_until_ready(self):
        """Until every service says that it is: a slave, too, needs a moment after NATS was away."""
        def is_ready(service):
            url = service.described["metrics_url"].removesuffix("/metrics") + "/readyz"
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        for service in self.services():
            wait_until(lambda: is_ready(service), 15, f"{service.identity} being ready")

    def slave(self, identity):
        return next(s for s in self.slaves if s.identity == identity)

    def down(self):
        self.run_local("down")

    def findings(self):
        """What sanitizers and assertions wrote into the logs."""
        found = []
        for path in sorted((self.dir / "log").glob("*.log")):
            text = path.read_text(errors="replace")
            match = FINDINGS.search(text)
            if match:
                found.append(f"{path}:\n{text[max(0, match.start() - 200):match.start() + 6000]}")
        return found

    def bad_ends(self):
        """The services that the test had started and that SIGTERM did not end with status 0."""
        if self.nats.child is not None:
            self.nats.child.wait(10)
        children = [(s.identity, s.child) for s in self.services() if s.child is not None]
        return [f"{identity} ended with status {child.returncode}"
                for identity, child in children if child.wait(10) != 0]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- REST ---

    def request(self, method, path, body=None, gateway=0, timeout=10):
        """(status, document) of one request; the document is None where there is no JSON."""
        host = self.gateways[gateway].described["url"].removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=timeout)
        with contextlib.closing(connection):
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
            is_json = "json" in (response.getheader("Content-Type") or "")
            return response.status, json.loads(content) if is_json and content else None

    def get(self, path, **options):
        status, document = self.request("GET", path, **options)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {document}")
        return document

    def slot(self, **body):
        status, document = self.request("POST", "/v1/slots", body)
        if status != 200:
            raise AssertionError(f"POST /v1/slots: {status} {document}")
        return document["slot"]

    def slot_on(self, slave_id):
        """A slot that names that slave, whatever dispatch would choose."""
        slave = self.get(f"/v1/slaves/{slave_id}")
        return {key: slave[key] for key in ("slave_id", "region", "host", "port", "host_keys")}

    def tunnel(self, client_key):
        """The tunnel as REST shows it, None where it shows none (or no gateway answers)."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, document = self.request("GET", f"/v1/tunnels/{client_key}")
            return document if status == 200 else None

    # --- devices' keys ---

    def make_key(self, name, kind="ed25519", authorized=True):
        """A key pair in OpenSSH's form; the device is called `name`."""
        path = self.dir / f"{name}.key"
        bits = ["-b", "3072"] if kind == "rsa" else []
        run("ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-C", name, "-f", str(path))
        if authorized:
            self.authorize(name, Path(f"{path}.pub").read_text())
        return path

    def make_dropbear_key(self, name, kind="ed25519"):
        """A key in Dropbear's form; the device is called `name`."""
        path = self.dir / f"{name}.dropbear"
        bits = ["-s", "3072"] if kind == "rsa" else []
        run("dropbearkey", "-t", kind, *bits, "-f", str(path))
        shown = run("dropbearkey", "-y", "-f", str(path))
        public = next(line for line in shown.splitlines() if " AAAA" in line)
        self.authorize(name, public)
        return path

    def authorize(self, name, public):
        kind, key = public.split()[:2]
        with self.authorized_keys.open("a") as file:
            file.write(f"{kind} {key} {name}\n")

    def known_hosts(self, slot):
        path = self.dir / f"known_hosts.{slot['slave_id']}"
        new = path.with_name(f"{path.name}.{threading.get_ident()}")
        new.write_text("".join(f"[{slot['host']}]:{slot['port']} {key}\n" for key in slot["host_keys"]))
        return new.rename(path)  # as one who started before may be reading it


def run(*command):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def fingerprint(public_key_path):
    """SHA256:... of a public key, as OpenSSH prints it."""
    return run("ssh-keygen", "-l", "-f", str(public_key_path)).split()[1]


class Program:
    """A client that runs beside the test; its output is kept, line by line as it comes."""

    def __init__(self, command, environment=None):
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, start_new_session=True)
        self.output = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line.decode(errors="replace").replace("\r", "")

    def said(self, pattern):
        return re.search(pattern, self.output)

    def wait_for(self, pattern, seconds=15):
        def look():
            if self.process.poll() is not None:
                self.reader.join(5)
                if not self.said(pattern):
                    raise AssertionError(f"{self.command[0]} ended without {pattern!r}:\n{self.output}")
            return self.said(pattern)
        try:
            return wait_until(look, seconds, f"{pattern!r} of {self.command[0]}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.output}") from None

    def end(self, seconds=20):
        """Waits for its own end: (status, output)."""
        status = self.process.wait(seconds)
        self._close_pipes()
        return status, self.output

    def stop(self, number=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(20)
        self._close_pipes()

    def _close_pipes(self):
        self.reader.join(5)
        self.process.stdout.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()


class Device(Program):
    """A device: a plain `ssh -N -R 0:...` or dbclient, whose port comes back in its output."""

    @property
    def port(self):
        return int(self.wait_for(r"Allocated port (\d+) for remote forward").group(1))


def ssh_command(cluster, slot, key, *options):
    return [
        "ssh", "-F", "none", "-p", slot["port"], "-l", "device", "-i", key,
        "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", f"UserKnownHostsFile={cluster.known_hosts(slot)}", "-o", "UpdateHostKeys=no",
        "-o", "ExitOnForwardFailure=yes", "-o", "ConnectTimeout=10",
        "-o", "ServerAliveInterval=15", *options, slot["host"]]


def ssh_device(cluster, slot, key, target_port, *options):
    return Device(ssh_command(
        cluster, slot, key, "-N", "-T", "-R", f"0:127.0.0.1:{target_port}", *options))


def dropbear_device(cluster, slot, key, target_port):
    home = cluster.dir / f"home.{Path(key).name}"
    (home / ".ssh").mkdir(parents=True, exist_ok=True)
    (home / ".ssh" / "known_hosts").write_text(
        "".join(f"{slot['host']} {line}\n" for line in slot["host_keys"]))
    return Device([
        "dbclient", "-N", "-T", "-p", slot["port"], "-l", "device", "-i", key, "-K", "15",
        "-o", "ExitOnForwardFailure=yes", "-R", f"0:127.0.0.1:{target_port}", slot["host"]],
        {"HOME": str(home)})


class EchoServer:
    """What a device exposes: gives every byte back, and the end of input too."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(1 << 18):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Operator:
    """One operator connection through a tunnel."""

    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    def echo(self, data):
        """Whether the bytes come back as they were."""
        self.socket.sendall(data)
        return self.receive(len(data)) == data

    def receive(self, count):
        parts = []
        while count > 0:
            part = self.socket.recv(min(count, 1 << 18))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def close(self):
        self.socket.close()


def echoes(port, data=b"mas4h"):
    """Whether a new operator connection to the port gets its bytes back."""
    with contextlib.suppress(OSError):
        operator = Operator(port, 5)
        with contextlib.closing(operator):
            return operator.echo(data)
    return False


def send_and_digest(operator, size):
    """Sends `size` random bytes while it receives what comes back, until the end.
    Returns the SHA-256 of what was sent and of what was received."""
    sent, received = hashlib.sha256(), hashlib.sha256()
    block = 1 << 20

    def send():
        random_bytes = open("/dev/urandom", "rb")
        with random_bytes:
            left = size
            while left > 0:
                data = random_bytes.read(min(block, left))
                sent.update(data)
                operator.socket.sendall(data)
                left -= len(data)
        operator.socket.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while data := operator.socket.recv(block):
        received.update(data)
    sender.join(30)
    return sent.hexdigest(), received.hexdigest()


class ClusterTestCase(unittest.TestCase):
    """One cluster for all tests of the class, looked over for findings at the end."""

    options = ()
    environment = None

    failed_once = False
    has_run = False

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(*cls.options, name=cls.__name__, environment=cls.environment)
        cls.addClassCleanup(cls.end_cluster)  # which also comes when the rest of a setUpClass fails
        cls.echo = EchoServer()
        cls.addClassCleanup(cls.echo.close)

    @classmethod
    def end_cluster(cls):
        cls.cluster.down()
        findings = cls.cluster.findings() + cls.cluster.bad_ends()
        if findings:
            raise AssertionError("\n\n".join(findings))
        if cls.has_run and not cls.failed_once:
            cls.cluster.remove()

    def run(self, result=None):
        type(self).has_run = True
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self).failed_once = True

    def connect(self, name, slot=None, kind="ed25519", options=()):
        """A device called `name` that is up, as REST shows it too; stopped after the test."""
        key = self.cluster.make_key(name, kind)
        device = ssh_device(self.cluster, slot or self.cluster.slot(), key, self.echo.port, *options)
        self.addCleanup(device.stop)
        port = device.port
        tunnel = wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        self.assertEqual(port, tunnel["port"])
        return device
