"""The validator `command`: a real program says whose key it is, and whatever it does instead harms nobody but the key
that it was asked about."""

import os
import tempfile
import time
import urllib.request
from pathlib import Path

from cluster import (ClusterTestCase, Device, echoes, fingerprint, processes_naming, run, ssh_command,
                     wait_until)

PROGRAM = """#!/bin/sh
# What it does is the test's to say: arguments are the fingerprint, the type, the key, the user and the address.
folder=$(dirname "$0")
. "$folder/behaviour"
"""


class Command(ClusterTestCase):
    options = ("--slaves", "1")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mas4h-command-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.program = cls.folder / "whose"
        cls.program.write_text(PROGRAM)
        cls.program.chmod(0o755)
        cls.environment = {
            "MAS4H_MASTER_AUTHORIZE_VALIDATORS": "authorized_keys,command",
            "MAS4H_MASTER_AUTHORIZE_VALID_FOR": "0",
            "MAS4H_MASTER_COMMAND_PROGRAM": f"{cls.program} %f %t %k %u %a",
            "MAS4H_MASTER_COMMAND_TIMEOUT_MS": "1500",
            "MAS4H_MASTER_COMMAND_PROCESSES_MAX": "2",
        }
        super().setUpClass()
        cls.slot = cls.cluster.slot_on("slave-1")
        cls.master = cls.cluster.masters[0]

    def behave(self, script):
        """Whole at any moment, for runs may be under way."""
        new = self.folder / "behaviour.new"
        new.write_text(script + "\n")
        os.replace(new, self.folder / "behaviour")

    def make(self, name):
        key = self.folder / name
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        return key

    def start(self, *keys):
        commands = [ssh_command(self.cluster, self.slot, key, "-N", "-T", "-R", f"0:127.0.0.1:{self.echo.port}")
                    for key in keys]
        devices = [Device(command) for command in commands]
        for device in devices:
            self.addCleanup(device.stop)
        return devices

    def assert_comes_in(self, key, client_key):
        device = self.start(key)[0]
        self.assertTrue(echoes(device.port))
        return wait_until(lambda: self.cluster.tunnel(client_key), 10, f"REST showing {client_key}")

    def assert_fails(self, name, script, reason):
        self.behave(script)
        program = self.start(self.make(name))[0]
        self.assertEqual(255, program.end(20)[0])
        wait_until(lambda: self.master.log_lines("validator=command", reason), 10, reason)

    def runs(self, result):
        with urllib.request.urlopen(self.master.described["metrics_url"], timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        name = 'mas4h_master_command_runs_total{result="%s"}' % result
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))

    def test_a_document_says_whose_key_it_is(self):
        key = self.make("documented")
        self.behave(f"grep -q '\"key_fingerprint\": *\"{fingerprint(key)}\"' && "
                    """echo '{"result":"allow","client_key":"by-document","labels":{"site":"berlin"}}'""")
        self.assertEqual({"site": "berlin"}, self.assert_comes_in(key, "by-document").get("labels"))
        self.behave("""echo '{"result":"deny","reason":"it was stolen"}'""")
        program = self.start(self.make("stolen"))[0]
        self.assertEqual(255, program.end(20)[0])
        wait_until(lambda: self.cluster.slaves[0].log_lines("reason=key_denied", "it was stolen"), 10, "the reason")

    def test_lines_of_authorized_keys_do_as_well(self):
        self.behave("""echo '# whoever asks'; echo "client-key=\\"by-line\\",max-forwards=\\"2\\" $2 $3"; """
                    """[ "$4" = device ] && [ "$5" = 127.0.0.1 ]""")
        self.assert_comes_in(self.make("lined"), "by-line")
        other = Path(f"{self.make('other')}.pub").read_text()
        self.behave(f"echo '{other.strip()}'")
        self.assertEqual(255, self.start(self.make("unlined"))[0].end(20)[0])

    def test_who_says_nothing_does_not_know_the_key(self):
        self.behave("exit 0")
        before = self.runs("answer")
        self.assertEqual(255, self.start(self.make("unheard"))[0].end(20)[0])
        self.assertEqual(before + 1, self.runs("answer"))

    def test_what_goes_wrong_is_said_and_the_key_is_refused(self):
        self.assert_fails("coded", "echo no database >&2; exit 7", "it ended with the code 7: no database")
        self.assert_fails("crashed", "kill -SEGV $$", "it was ended by the signal 11")
        self.assert_fails("babbling", "yes | head -c 100000000", "it wrote more than 65536 bytes")
        self.assert_fails("garbled", "echo '{\"result\":\"perhaps\"}'", "result")

    def test_who_hangs_is_killed_with_all_it_started_and_nobody_else_waits(self):
        self.behave("sleep 4711 & sleep 4711")
        hanging = self.start(self.make("hanging"))[0]
        wait_until(lambda: processes_naming("sleep 4711"), 10, "the program hanging")
        known = self.cluster.make_key("known")
        begun = time.monotonic()
        self.assert_comes_in(known, "known")
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(255, hanging.end(20)[0])
        wait_until(lambda: not processes_naming("sleep 4711"), 10, "the end of all it started")
        self.assertGreaterEqual(self.runs("given_up"), 1)

    def test_more_at_a_time_wait_in_line(self):
        self.behave("sleep 0.2; echo \"client-key=\\\"queued-$1\\\" $2 $3\"")
        devices = self.start(*(self.make(f"queued-{i}") for i in range(5)))
        for device in devices:
            self.assertTrue(echoes(device.port))

    def test_a_program_that_others_may_write_is_not_run(self):
        self.behave("echo \"$2 $3 written\"")
        self.program.chmod(0o777)
        self.addCleanup(self.program.chmod, 0o755)
        self.assertEqual(255, self.start(self.make("written"))[0].end(20)[0])
        self.assertGreaterEqual(self.runs("not_started"), 1)
