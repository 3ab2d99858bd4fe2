"""Records of devices and operators, what waits for approval, and bans, from the command line."""

import base64
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

    def test_a_file_is_imported_but_for_its_bad_lines(self):
        key = self.key("imported")
        lines = ["# of the old system", "", f'labels="site=b" {Path(f"{key}.pub").read_text().rsplit(maxsplit=1)[0]} import-0']
        for i in range(1, 48):
            blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + os.urandom(32)
            lines.append(f"client-key=\"import-{i}\",max-channels=\"2\" ssh-ed25519\t{base64.b64encode(blob).decode()} by hand")
        lines.insert(10, "ssh-ed25519 AAAA broken")
        lines.insert(20, f'from="10.0.0.0/8" {lines[3].split(" ", 1)[1]}')
        result = self.ctl("device", "import", "-", stdin="\n".join(lines))
        self.assertEqual((1, "48 added, 0 there already, 2 failed\n"), (result.returncode, result.stdout), result.stderr)
        self.assertRegex(result.stderr, r"\A-:11: the key is damaged.*\n-:21: a record cannot keep option from.*\n\Z")
        self.connect_with(key, "import-0")

        documents = self.done("device", "list", "--prefix", "import-", "--json")
        self.assertEqual("0 added, 48 there already, 0 failed\n", self.done("device", "import", stdin=documents))
        first = next(d for d in map(json.loads, documents.splitlines()) if d["client_key"] == "import-1")
        self.assertEqual((2, "enabled"), (first["limits"]["max_channels"], first["state"]))
        self.done("device", "disable", "import-1")
        file = Path(self.cluster.dir) / "again"
        file.write_text(f'{lines[3].replace("import-1", "import-new")}\n')
        self.assertEqual("0 added, 1 replaced, 0 failed\n", self.done("device", "import", file, "--replace"))
        self.assertRegex(self.done("device", "show", "import-new"), r"state +disabled")
        file.write_text(json.dumps(first))
        self.assertEqual("0 added, 1 replaced, 0 failed\n", self.done("device", "import", file, "--replace"))
        self.assertRegex(self.done("device", "show", "import-1"), r"state +enabled")
        self.assertEqual(2, self.ctl("device", "import", "/nonexistent").returncode)

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
