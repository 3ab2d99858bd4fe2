"""Operators reach devices by their names: ssh -J, -W, ProxyCommand, a shared connection, scp, sftp, rsync,
ansible and Dropbear, to real sshds behind real devices; and what is refused, with the words for it."""

import contextlib
import getpass
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import unittest
import urllib.request
from pathlib import Path

from cluster import (ClusterTestCase, Operator, Program, accepts, dropbear_device, run, ssh_command, ssh_device,
                     wait_until)
from own_service import OwnService
from sshd import Sshd


class Reach(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_SLAVE_WORKERS": "2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sshd = Sshd(cls.cluster.dir / "sshd")
        cls.addClassCleanup(cls.sshd.stop)
        cls.slot = cls.cluster.slot()
        cls.operator_key("alice", 'operator="alice",permitopen="berlin-*:*"')
        cls.operator_key("carol", 'operator="carol",permit-labels="site=berlin",permitopen="*:22"')
        cls.device("berlin-1", cls.sshd.port, '', "-R", f"0:127.0.0.1:{cls.echo.port}")
        cls.device("paris-1", cls.echo.port, 'labels="site=paris"')
        cls.device("berlin-2", cls.echo.port, 'labels="site=berlin"')
        cls.config = cls.write_config()

    @classmethod
    def authorize(cls, key, options, name):
        kind, public = Path(f"{key}.pub").read_text().split()[:2]
        with cls.cluster.authorized_keys.open("a") as file:
            file.write(f"{options} {kind} {public} {name}\n".lstrip())

    @classmethod
    def operator_key(cls, name, options):
        cls.authorize(cls.cluster.make_key(name, authorized=False), options, name)

    @classmethod
    def device(cls, name, port, options="", *more):
        key = cls.cluster.make_key(name, authorized=False)
        cls.authorize(key, options, name)
        device = ssh_device(cls.cluster, cls.slot, key, port, *more)
        cls.addClassCleanup(device.stop)
        wait_until(lambda: cls.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    @classmethod
    def write_config(cls):
        """What an operator has in ~/.ssh/config, but for what keeps ours apart."""
        config = cls.cluster.dir / "ssh_config"
        config.write_text(f"""Host bouncer
  HostName {cls.slot['host']}
  Port {cls.slot['port']}
  User ops
  IdentityFile {cls.cluster.dir}/alice.key
  UserKnownHostsFile {cls.cluster.known_hosts(cls.slot)}
  StrictHostKeyChecking yes
  UpdateHostKeys no
Host berlin-* paris-* nowhere-* via-command
  ProxyJump bouncer
  User {getpass.getuser()}
  IdentityFile {cls.sshd.folder}/login
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
Host *
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  ConnectTimeout 10
  GlobalKnownHostsFile /dev/null
""")
        return config

    def ssh(self, *arguments, program="ssh", stdin=subprocess.DEVNULL, **options):
        return subprocess.run([program, "-F", str(self.config), *map(str, arguments)], stdin=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False, **options)

    def ssh_as(self, name, *arguments):
        """Straight to the slave, as that operator or device."""
        return subprocess.run(
            [str(part) for part in ssh_command(
                self.cluster, self.slot, self.cluster.dir / f"{name}.key", *arguments)],
            stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60, check=False)

    def file(self, size=3 << 20):
        path = self.cluster.dir / "file"
        path.write_bytes(os.urandom(size))
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def assert_same(self, path, digest):
        self.assertEqual(digest, hashlib.sha256(Path(path).read_bytes()).hexdigest())
        Path(path).unlink()

    def metric(self, line):
        url = self.cluster.description["slaves"][0]["metrics_url"]
        text = urllib.request.urlopen(url, timeout=5).read().decode()
        return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.M).group(1))

    def accesses(self, result):
        return self.metric(f'mas4h_slave_accesses_total{{result="{result}"}}')

    # --- ways to come -----------------------------------------------------------------

    def test_ssh_jumps_over_the_slave_to_a_device(self):
        done = self.ssh("berlin-1", "echo here; exit 7")
        self.assertEqual((7, "here\n"), (done.returncode, done.stdout))

    def test_a_proxy_command_does(self):
        done = self.ssh("-o", "ProxyJump=none", "-o",
                        f"ProxyCommand=ssh -F {self.config} -W berlin-1:22 bouncer", "via-command", "echo here")
        self.assertEqual((0, "here\n"), (done.returncode, done.stdout))

    def test_files_come_and_go_by_scp_sftp_and_rsync(self):
        path, digest = self.file()
        away, back = f"{path}.away", f"{path}.back"
        for flags in ((), ("-O",)):
            self.assertEqual(0, self.ssh(*flags, path, f"berlin-1:{away}", program="scp").returncode)
            self.assert_same(away, digest)
        batch = self.cluster.dir / "batch"
        batch.write_text(f"put {path} {away}\nget {away} {back}\n")
        done = self.ssh("-b", batch, "berlin-1", program="sftp")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assert_same(back, digest)
        self.assert_same(away, digest)
        done = subprocess.run(["rsync", "-e", f"ssh -F {self.config}", path, f"berlin-1:{away}"], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_same(away, digest)

    @unittest.skipUnless(shutil.which("ansible"), "ansible is not installed")
    def test_ansible_pings_a_device(self):
        inventory = self.cluster.dir / "inventory"
        inventory.write_text("berlin-1 ansible_python_interpreter=/usr/bin/python3\n")
        done = subprocess.run(
            ["ansible", "all", "-i", str(inventory), "-m", "ping"], text=True, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, check=False,
            env={**os.environ, "ANSIBLE_SSH_ARGS": f"-F {self.config}", "ANSIBLE_HOME": str(self.cluster.dir / "ansible"),
                 "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"})
        self.assertIn('"ping": "pong"', done.stdout, done.stdout + done.stderr)

    def test_one_connection_carries_many_at_once(self):
        control = self.cluster.dir / "control"
        before = self.metric("mas4h_slave_visitors")
        master = Program(["ssh", "-F", self.config, "-M", "-S", control, "-N", "bouncer"])
        self.addCleanup(master.stop)
        wait_until(control.exists, 10, "the shared connection")
        pipes = [subprocess.Popen(
            ["ssh", "-F", str(self.config), "-S", str(control), "-W", "berlin-2:22", "bouncer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(8)]
        for i, pipe in enumerate(pipes):
            pipe.stdin.write(b"%d\n" % i)
            pipe.stdin.flush()
        for i, pipe in enumerate(pipes):
            self.assertEqual(b"%d\n" % i, pipe.stdout.readline())
        self.assertEqual(before + 1, self.metric("mas4h_slave_visitors"))
        self.assertEqual(8, self.metric("mas4h_slave_accesses"))
        for pipe in pipes:
            pipe.stdin.close()
            self.assertEqual(b"", pipe.stdout.read())
            self.assertEqual(0, pipe.wait(10))
            pipe.stdout.close()
        wait_until(lambda: self.metric("mas4h_slave_accesses") == 0, 10, "no access being left")

    def test_a_port_behind_a_device_is_forwarded_over_the_jump(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        forward = Program(["ssh", "-F", self.config, "-N", "-L", f"127.0.0.1:{port}:127.0.0.1:{self.echo.port}",
                           "berlin-1"])
        self.addCleanup(forward.stop)
        wait_until(lambda: accepts(port), 15, "the forward")
        operator = Operator(port)
        self.addCleanup(operator.close)
        self.assertTrue(operator.echo(os.urandom(1 << 20)))

    def test_ports_of_a_device_are_named_or_counted(self):
        ports = self.cluster.tunnel("berlin-1")["ports"]
        for asked in (2, ports[1]):
            done = self.ssh_as("alice", "-W", f"berlin-1:{asked}")
            self.assertEqual(0, done.returncode, done.stdout)
        for asked in (22, 1, ports[0]):
            done = subprocess.run(["ssh", "-F", str(self.config), "-W", f"berlin-1:{asked}", "bouncer"],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
            self.assertTrue(done.stdout.startswith(b"SSH-2.0-OpenSSH"), done)

    def test_dropbear_is_a_device_and_an_operator(self):
        key = self.cluster.make_dropbear_key("berlin-dropbear")
        device = dropbear_device(self.cluster, self.slot, key, self.sshd.port)
        self.addCleanup(device.stop)
        wait_until(lambda: self.cluster.tunnel("berlin-dropbear"), 10, "REST showing it")
        done = self.ssh("berlin-dropbear", "echo here")
        self.assertEqual((0, "here\n"), (done.returncode, done.stdout))
        key = self.cluster.dir / "bob.dropbear"
        shown = run("dropbearkey", "-t", "ed25519", "-f", str(key))
        public = next(line for line in shown.splitlines() if line.startswith("ssh-ed25519"))
        with self.cluster.authorized_keys.open("a") as file:
            file.write(f'operator="bob",permitopen="*:*" {public}\n')

        def banner():
            done = subprocess.run(
                ["dbclient", "-y", "-y", "-p", str(self.slot["port"]), "-l", "ops", "-i", str(key), "-B",
                 "berlin-1:22", self.slot["host"]],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
            return done.stdout.startswith(b"SSH-2.0-OpenSSH")

        wait_until(banner, 15, "dbclient at the device")

    # --- what ends it -----------------------------------------------------------------

    def test_an_operator_is_told_at_once_that_its_device_is_kicked(self):
        device = self.device("berlin-9", self.echo.port)
        pipe = subprocess.Popen(["ssh", "-F", str(self.config), "-W", "berlin-9:22", "bouncer"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(pipe.stdout.close)
        self.addCleanup(pipe.stdin.close)
        pipe.stdin.write(b"mas4h\n")
        pipe.stdin.flush()
        self.assertEqual(b"mas4h\n", pipe.stdout.readline())
        self.assertEqual(204, self.cluster.request("DELETE", "/v1/tunnels/berlin-9")[0])
        self.assertEqual(b"", pipe.stdout.read())
        pipe.wait(10)
        device.stop()

    def own_slave(self, settings):
        """A slave of the test's own, with berlin-7 on it: (slave, slot)."""
        slave = OwnService(self.cluster, "slave", "slave-own", settings)
        self.addCleanup(slave.stop)
        wait_until(lambda: self.cluster.request("GET", "/v1/slaves/slave-own")[0] == 200, 15, "REST showing it")
        slot = self.cluster.slot_on("slave-own")
        key = self.cluster.dir / "berlin-7.key"
        if not key.exists():
            self.cluster.make_key("berlin-7")
        return slave, slot, key

    def pipe(self, slot, target):
        pipe = subprocess.Popen(
            [str(part) for part in ssh_command(self.cluster, slot, self.cluster.dir / "alice.key", "-W", target)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(pipe.wait, 20)
        self.addCleanup(pipe.stdout.close)
        self.addCleanup(pipe.stdin.close)
        return pipe

    def assert_echoes(self, pipe):
        pipe.stdin.write(b"mas4h\n")
        pipe.stdin.flush()
        self.assertEqual(b"mas4h\n", pipe.stdout.readline())

    def test_a_drain_waits_for_who_is_at_a_device(self):
        slave, slot, key = self.own_slave({"drain": {"spread_ms": 0, "deadline_ms": 60000}})
        device = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(device.stop)
        self.assertTrue(device.port)
        pipe = self.pipe(slot, "berlin-7:22")
        self.assert_echoes(pipe)
        idle = Program(ssh_command(self.cluster, slot, self.cluster.dir / "alice.key", "-N"))
        self.addCleanup(idle.stop)
        wait_until(lambda: slave.metrics()["mas4h_slave_visitors"] == 2, 10, "both operators")
        os.kill(slave.process.pid, signal.SIGTERM)
        idle.end()
        self.assert_echoes(pipe)
        pipe.stdin.close()
        self.assertEqual(0, slave.end()[0])
        self.assertEqual(0, pipe.wait(10))

    def test_a_device_hears_of_the_operator_and_not_of_the_slave(self):
        heard = []

        def serve(listener):
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65536))

        slave, slot, key = self.own_slave({"tunnel": {"proxy_header": "v2"}})
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            device = ssh_device(self.cluster, slot, key, listener.getsockname()[1])
            self.addCleanup(device.stop)
            port = device.port
            pipe = self.pipe(slot, "berlin-7:22")
            self.assertEqual(b"", pipe.stdout.read())
        peer = wait_until(lambda: re.search(r'operator="alice" peer=127.0.0.1:(\d+)', slave.output), 10, "who came")
        header = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("127.0.0.1") + bytes(4) +
                  int(peer.group(1)).to_bytes(2, "big") + port.to_bytes(2, "big"))
        self.assertEqual(header, heard[0][:len(header)])

    def test_the_networks_of_a_device_hold_for_who_comes_by_its_name(self):
        self.device("berlin-6", self.echo.port, 'operators-from="192.0.2.0/24"')
        self.assert_refused(self.ssh_as("alice", "-W", "berlin-6:22"), "berlin-6 does not take connections")
        self.assertTrue(self.cluster.slaves[0].log_lines('device="berlin-6"', "reason=network"))

    def test_who_came_and_what_moved_is_in_the_log(self):
        self.ssh("berlin-1", "true")
        opened = self.cluster.slaves[0].log_lines('operator="alice"', 'device="berlin-1"', "is at a device")
        self.assertTrue(opened)
        access = re.search(r"access=(\w+)", opened[-1]).group(1)
        closed = wait_until(lambda: self.cluster.slaves[0].log_lines(access, "has left"), 10, "its end")
        self.assertGreater(int(re.search(r"bytes_from_device=(\d+)", closed[0]).group(1)), 500)

    # --- what is refused --------------------------------------------------------------

    def assert_refused(self, done, words, result=None, before=0):
        self.assertNotEqual(0, done.returncode)
        self.assertIn(words, done.stdout)
        if result is not None:
            self.assertEqual(before + 1, self.accesses(result))

    def test_a_device_that_is_not_there(self):
        before = self.accesses("absent")
        self.assert_refused(self.ssh_as("alice", "-W", "berlin-404:22"),
                            "connect failed: berlin-404 is not connected", "absent", before)

    def test_a_device_that_is_not_for_this_operator(self):
        before = self.accesses("forbidden")
        for name in ("paris-1", "paris-404", "xberlin-1", "127.0.0.1"):
            self.assert_refused(self.ssh_as("alice", "-W", f"{name}:22"),
                                f"administratively prohibited: alice may not reach {name} at port 22")
        self.assertEqual(before + 4, self.accesses("forbidden"))

    def test_a_device_without_the_labels_for_it(self):
        self.assertEqual(0, self.ssh_as("carol", "-W", "berlin-2:22").returncode)
        for name in ("paris-1", "berlin-1"):
            self.assert_refused(self.ssh_as("carol", "-W", f"{name}:22"), f"carol may not reach {name} at port 22")

    def test_a_port_that_the_device_has_not(self):
        self.assert_refused(self.ssh_as("alice", "-W", "berlin-2:8080"), "berlin-2 has no port 8080")
        self.assert_refused(self.ssh_as("carol", "-W", "berlin-2:1"), "carol may not reach berlin-2 at port 1")

    def test_a_device_behind_which_nobody_listens(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        self.device("berlin-8", port)
        self.assert_refused(self.ssh_as("alice", "-W", "berlin-8:22"), "berlin-8 does not take connections")

    def test_an_operator_who_asks_for_a_port(self):
        done = self.ssh_as("alice", "-N", "-R", "0:127.0.0.1:9")
        self.assert_refused(done, "remote port forwarding failed")

    def test_an_operator_who_asks_for_a_shell_is_told_what_to_do(self):
        done = self.ssh_as("alice", "-T")
        self.assert_refused(done, "ssh -J")
        self.assertEqual(1, done.returncode)

    def test_a_device_that_asks_for_another(self):
        self.assert_refused(self.ssh_as("berlin-2", "-W", "berlin-1:22"), "administratively prohibited")
        self.assertTrue(self.cluster.slaves[0].log_lines('device="berlin-2"', "direct-tcpip to berlin-1:22"))


if __name__ == "__main__":
    unittest.main()
