"""mas4hctl ssh and ssh-config: to a real sshd behind a real device, by its name and whatever that is, over slaves whose
host keys the gateway names."""

import getpass
import os
import subprocess
import unittest
from pathlib import Path

from cluster import BUILD, ClusterTestCase, ssh_device, wait_until
from sshd import Sshd

CTL = BUILD / "bin" / "mas4hctl"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("MAS4H") and k != "NO_COLOR"}
ODD = "Door 7'%h$(false)@Ost"


class Ssh(ClusterTestCase):
    options = ("--slaves", "2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = cls.cluster.gateways[0].described["url"]
        cls.sshd = Sshd(cls.cluster.dir / "sshd")
        cls.addClassCleanup(cls.sshd.stop)
        cls.ops = cls.cluster.make_key("alice", authorized=False)
        cls.authorize(cls.ops, 'operator="alice",permitopen="*:*"')
        for name, key, slave in (("near", "Near-1", "slave-1"), ("odd", ODD, "slave-2")):
            cls.device(name, key, slave)
        cls.config = cls.cluster.dir / "ssh_config"
        cls.config.write_text(f"""Host *
  IdentityFile {cls.sshd.folder}/login
  User {getpass.getuser()}
  UserKnownHostsFile {cls.cluster.dir}/devices
  StrictHostKeyChecking accept-new
  HashKnownHosts no
  GlobalKnownHostsFile /dev/null
  LogLevel ERROR
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  ConnectTimeout 10
""")

    @classmethod
    def authorize(cls, key, options):
        with cls.cluster.authorized_keys.open("a") as file:
            file.write(f"{options} {' '.join(Path(f'{key}.pub').read_text().split()[:2])} x\n")

    @classmethod
    def device(cls, name, client_key, slave):
        key = cls.cluster.make_key(name, authorized=False)
        cls.authorize(key, f'client-key="{client_key}"')
        cls.addClassCleanup(ssh_device(cls.cluster, cls.cluster.slot_on(slave), key, cls.sshd.port).stop)
        wait_until(lambda: client_key in cls.keys(), 15, f"REST showing {client_key}")

    @classmethod
    def keys(cls):
        return [tunnel["client_key"] for tunnel in cls.cluster.get("/v1/tunnels")["tunnels"]]

    def run_in_shell(self, command, stdin=subprocess.DEVNULL):
        return subprocess.run([str(part) for part in command], text=True, stdin=stdin, capture_output=True, timeout=60,
                              check=False, env={**CLEAN, "HOME": "/nonexistent", "MAS4H_GATEWAY": self.url})

    def ctl(self, *arguments):
        return self.run_in_shell([CTL, *arguments])

    def ssh(self, device, *words, before=()):
        """With the configuration of this test, as ~/.ssh/config would be."""
        return self.ctl("ssh", "--identity", self.ops, *before, device, "--", "-F", self.config, *words)

    def assert_done(self, expected, done):
        self.assertEqual((0, expected), (done.returncode, done.stdout), done.stderr)

    def test_a_device_is_reached_by_its_name_with_its_capitals(self):
        self.assert_done("hello\n", self.ssh("Near-1", "echo", "hello"))

    def test_the_status_is_that_of_the_command_and_standard_input_is_its(self):
        self.assertEqual(7, self.ssh("Near-1", "exit 7").returncode)
        with self.cluster.authorized_keys.open() as file:
            done = self.run_in_shell([CTL, "ssh", "--identity", self.ops, "Near-1", "--", "-F", self.config, "wc -c"], file)
        self.assertEqual(self.cluster.authorized_keys.stat().st_size, int(done.stdout), done.stderr)

    def test_whatever_a_client_key_is_made_of_it_is_one_word(self):
        self.assert_done("odd\n", self.ssh(ODD, "echo odd"))
        known = (self.cluster.dir / "devices").read_text()
        self.assertIn("door_207_27_25h_24_28false_29_40ost.mas4h ssh-ed25519", known.lower())
        for impossible in ("/tmp/socket", "a]b"):
            self.assertEqual(2, self.ssh(impossible).returncode)

    def test_any_slave_leads_there_but_only_with_the_host_key_that_the_gateway_names(self):
        for slave in ("slave-1", "slave-2"):
            done = self.ssh("Near-1", "-v", "-o", "LogLevel=DEBUG1", "echo", slave, before=("--slave", slave))
            self.assert_done(f"{slave}\n", done)
            self.assertIn(f"using hostkeyalias: {slave}", done.stderr)
        self.assertEqual(1, self.ssh("Near-1", before=("--slave", "slave-9")).returncode)

    def test_who_is_not_connected_or_not_known_is_said(self):
        done = self.ssh("nobody", "true")
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn("not_found", done.stderr)
        stranger = self.cluster.make_key("stranger", authorized=False)
        done = self.ctl("ssh", "--identity", stranger, "Near-1", "--", "-F", self.config, "true")
        self.assertEqual(255, done.returncode)
        self.assertIn("Permission denied (publickey)", done.stderr)

    def test_settings_made_for_ssh_lead_scp_and_a_jump_to_devices(self):
        made = self.cluster.dir / "mas4h.config"
        self.assertEqual(0, self.ctl("ssh-config", "--identity", self.ops, "--suffix", "box", "--write", made).returncode)
        self.assertEqual(0o600, made.stat().st_mode & 0o777)
        self.assertEqual(made.read_text(), self.ctl("ssh-config", "--identity", self.ops, "--suffix", "box").stdout)
        both = self.cluster.dir / "both.config"
        both.write_text(f"Include {made}\n{self.config.read_text()}")
        self.assert_done("named\n", self.run_in_shell(["ssh", "-F", both, "Near-1.box", "echo named"]))
        by_hand = f"ProxyCommand=ssh -F {both} -W Near-1:22 box-slave-2"
        self.assert_done("by hand\n", self.run_in_shell(["ssh", "-F", both, "-o", by_hand, "x", "echo by hand"]))
        there = self.cluster.dir / "there"
        done = self.run_in_shell(["scp", "-F", both, made, f"Near-1.box:{there}"])
        self.assertEqual((0, made.read_text()), (done.returncode, there.read_text()), done.stderr)

    def test_a_slave_that_is_somebody_else_gets_nothing(self):
        made = self.cluster.dir / "false.config"
        text = self.ctl("ssh-config", "--identity", self.ops).stdout
        mine, other = (slave["host_keys"][0].split()[1] for slave in self.cluster.get("/v1/slaves")["slaves"])
        made.write_text(text.replace(mine, other) + self.config.read_text())
        done = self.run_in_shell(["ssh", "-F", made, "Near-1.mas4h", "true"])
        self.assertEqual(255, done.returncode)
        self.assertIn("Host key verification failed", done.stderr)


if __name__ == "__main__":
    unittest.main()
