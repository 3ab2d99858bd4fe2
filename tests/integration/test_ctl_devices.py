"""Records of devices and operators, what waits for approval, and bans, from the command line."""

import json
import os
import subprocess
import unittest
from pathlib import Path

from cluster import BUILD, ClusterTestCase, ssh_device, wait_until

CTL = BUILD / "bin" / "mas4hctl"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("MAS4H") and k != "NO_COLOR"}


class Devices(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_MASTER_ENROLMENT_ENABLED": "yes"}

    def ctl(self, *arguments, stdin=None):
        return subprocess.run(
            [str(CTL), *map(str, arguments)], input=stdin or "", text=True, capture_output=True, timeout=30, check=False,
            env={**CLEAN, "HOME": "/nonexistent", "MAS4H_GATEWAY": self.cluster.gateways[0].described["url"]})

    def done(self, *arguments, **options):
        result = self.ctl(*arguments, **options)
        self.assertEqual((0, ""), (result.returncode, result.stderr), arguments)
        return result.stdout

    def key(self, name):
        return self.cluster.make_key(name, authorized=False)

    def fingerprint(self, key):
        return subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True,
                              check=True).stdout.split()[1]

    def connect_with(self, key, name):
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    def test_a_device_is_added_disabled_enabled_and_removed(self):
        key = self.key("added")
        shown = self.done("device", "add", f"{key}.pub", "--client-key", "Door-7", "--label", "site=b, floor=2",
                          "--comment", "at the gate")
        self.assertRegex(shown, r"client key +Door-7\nstate +enabled\nkey +SHA256:\S+\nlabels +floor=2,site=b\ncomment +at the gate\n")
        self.assertEqual(1, self.ctl("device", "add", f"{key}.pub", "--client-key", "Door-7").returncode)
        device = self.connect_with(key, "Door-7")
        self.assertRegex(self.done("device", "disable", "Door-7"), r"state +disabled")
        self.assertNotEqual(0, device.end()[0])
        self.assertRegex(self.done("device", "enable", self.fingerprint(key)), r"state +enabled")
        self.connect_with(key, "Door-7")
        self.assertRegex(self.done("device", "list", "--prefix", "Door"), r"NAME +IS .*\nDoor-7 +device +enabled +SHA256:")
        self.assertEqual("floor", [*json.loads(self.done("device", "show", "Door-7", "--json"))["labels"]][0])
        self.assertEqual(2, self.ctl("device", "remove", "Door-7").returncode)
        self.assertEqual("", self.done("device", "remove", "Door-7", "--yes", "--reason", "sold"))
        self.assertEqual(1, self.ctl("device", "show", "Door-7").returncode)

    def test_an_operator_has_rules(self):
        key = self.key("operator")
        shown = self.done("device", "add", "-", "--operator", "alice", "--devices", "berlin-*,paris-1", "--label", "site=b",
                          "--ports", "22,8000-8010", stdin=Path(f"{key}.pub").read_text())
        self.assertRegex(shown, r"operator +alice\n(?s:.*)may reach +berlin-\* with site=b, ports 22,8000-8010\nand +paris-1 with")

    def test_who_waits_is_approved_or_rejected(self):
        for name in ("let-in", "sent-away"):
            key = self.key(name)
            self.assertNotEqual(0, ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port).end()[0])
            fingerprint = self.fingerprint(key)
            wait_until(lambda: fingerprint in self.done("device", "pending"), 10, "it waiting")
            if name == "let-in":
                self.assertEqual(2, self.ctl("device", "approve", fingerprint).returncode)
                self.assertRegex(self.done("device", "approve", fingerprint, "--client-key", name), "state +enabled")
                self.connect_with(key, name)
            else:
                self.assertEqual("", self.done("device", "reject", fingerprint))
            wait_until(lambda: fingerprint not in self.done("device", "pending", "-q"), 10, "it not waiting")

    def test_a_ban_cuts_keeps_out_and_is_lifted(self):
        key = self.key("banned")
        self.done("device", "add", f"{key}.pub", "--client-key", "banned-1")
        device = self.connect_with(key, "banned-1")
        self.assertEqual("", self.done("revoke", "banned-1", "--ban", "--yes", "--reason", "stolen"))
        self.assertNotEqual(0, device.end()[0])
        self.assertRegex(self.done("revocations", "--banned"), r"NAME +BANNED .*\ndevice:banned-1 +yes +\d+m?s .*stolen")
        self.assertEqual("device:banned-1\n", self.done("revocations", "--banned", "-q"))
        self.assertNotEqual(0, ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port).end()[0])
        self.assertEqual("", self.done("lift", "banned-1"))
        self.assertEqual("", self.done("revocations", "--banned", "-q"))
        wait_until(lambda: self.connect_again(key), 10, "it being let in")
        self.assertEqual(1, self.ctl("lift", "banned-1").returncode)

    def connect_again(self, key):
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        return wait_until(lambda: self.cluster.tunnel("banned-1"), 5, "REST showing it")

    def test_what_cannot_be_is_refused_before_anybody_is_asked(self):
        key = f"{self.key('wrong')}.pub"
        for words in (("--client-key", "a", "--operator", "b"), (), ("--operator", "b"), ("--client-key", "a", "--port", "0"),
                      ("--client-key", "a", "--ports", "9-8"), ("--client-key", "a", "--devices", "*"),
                      ("--client-key", "a", "--label", "="), ("--client-key", "a", "--expires", "soon")):
            self.assertEqual(2, self.ctl("device", "add", key, *words).returncode, words)
        self.assertEqual(2, self.ctl("device", "add", "/etc/passwd", "--client-key", "a").returncode)


if __name__ == "__main__":
    unittest.main()
