"""Who did what: connects, refusals, kicks, drains, records, bans and settings are read back from the stream, newest first,
and none is lost while NATS is away."""

import contextlib
import json
import signal
import unittest
import urllib.parse

from cluster import BUILD, ClusterTestCase, Program, fingerprint, run, ssh_device, wait_until
from questions import Key
from test_records import Clerk


class Audit(ClusterTestCase):
    options = ("--slaves", "2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = Clerk(cls.cluster.description["nats_url"], cls.cluster.masters[0].identity)
        cls.addClassCleanup(cls.clerk.close)

    def page(self, **asked):
        return self.cluster.get("/v1/audit?" + urllib.parse.urlencode(asked))

    def found(self, **asked):
        """All entries, page after page."""
        entries, token = [], ""
        while True:
            page = self.page(page_token=token, **asked)
            entries += page["audit"]
            token = page["next_page_token"]
            if not token:
                return entries

    def one(self, seconds=15, **asked):
        return wait_until(lambda: self.found(**asked), seconds, f"an entry of {asked}")[0]

    def test_a_device_comes_is_kicked_and_goes_and_each_says_who(self):
        self.connect("kicked")
        key = fingerprint(self.cluster.dir / "kicked.key.pub")
        self.assertEqual(204, self.cluster.request("DELETE", "/v1/tunnels/kicked")[0])
        end = self.one(target="kicked", action="disconnect")
        kick = self.one(target="kicked", action="kick")
        came = self.one(target="kicked", action="connect")
        self.assertEqual(("local", "gateway-1", ""), (kick["actor"], kick["source"], kick["error"]))
        self.assertTrue(kick["remote_address"].startswith("127.0.0.1:"), kick)
        self.assertEqual(("local", "kicked"), (end["actor"], end["reason"]))
        self.assertEqual(key, came["actor"])
        self.assertIn(came, self.found(target=key), "a key is a target, too")
        self.assertEqual([], self.found(target="kicked", actor="somebody else"))

    def test_mas4hctl_reads_the_audit_back(self):
        self.cluster.request("DELETE", "/v1/tunnels/by-ctl")
        self.one(target="by-ctl")
        gateway = self.cluster.gateways[0].described["url"]
        tool = [str(BUILD / "bin" / "mas4hctl"), "--gateway", gateway, "audit", "--since", "1h", "--device", "by-ctl"]
        self.assertRegex(run(*tool), r"Z kick +by-ctl by local from 127\.0\.0\.1:\d+ at gateway-1 failed: no tunnel")
        self.assertEqual("kick", json.loads(run(*tool, "--json"))["action"])
        self.assertEqual("", run(*tool, "--actor", "nobody"))
        follower = Program([*tool, "--follow"])
        self.addCleanup(follower.stop)
        follower.wait_for("by-ctl by local")
        self.cluster.request("DELETE", "/v1/tunnels/by-ctl")
        follower.wait_for("(?s)by-ctl by local.*by-ctl by local")

    def test_what_was_ordered_in_vain_says_why(self):
        self.assertEqual(404, self.cluster.request("DELETE", "/v1/tunnels/nobody")[0])
        self.assertIn("no tunnel of that client key", self.one(target="nobody", action="kick")["error"])

    def test_a_stranger_is_refused(self):
        key = self.cluster.make_key("stranger", authorized=False)
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        refused = self.one(action="refuse", actor=fingerprint(f"{key}.pub"))
        self.assertNotEqual("", refused["error"])
        self.assertTrue(refused["remote_address"].startswith("127.0.0.1:"), refused)

    def test_each_change_of_a_record_is_told_once_with_who_made_it(self):
        key = Key(self.cluster.dir, "record")
        record = self.clerk.record(key, client_key="recorded")
        self.assertEqual("device", self.clerk.change(record).WhichOneof("result"))
        record.state = self.clerk.device.DEVICE_STATE_DISABLED
        self.clerk.change(record)
        self.clerk.remove("recorded")
        wait_until(lambda: len(self.found(target="recorded", action="device")) >= 3, 15, "three changes")
        told = self.found(target=key.fingerprint, action="device") or self.found(target="recorded", action="device")
        self.assertEqual(["device.remove", "device.disable", "device.add"], [entry["action"] for entry in told])
        self.assertEqual({"test"}, {entry["actor"] for entry in told})

    def test_a_key_that_leaves_the_file_is_told(self):
        key = self.cluster.make_key("gone")
        line = (self.cluster.dir / "gone.key.pub").read_text().split()[1]
        self.connect("gone-by")  # the file has been read with both
        kept = [text for text in self.cluster.authorized_keys.read_text().splitlines(True) if line not in text]
        self.cluster.authorized_keys.write_text("".join(kept))
        removed = self.one(action="key.removed", target=fingerprint(f"{key}.pub"))
        self.assertEqual("file", removed["actor"])

    def test_pages_hold_each_entry_once_newest_first_and_after_gives_the_later_ones(self):
        for name in ("one", "two", "three", "four", "five"):
            self.cluster.request("DELETE", f"/v1/tunnels/vain-{name}")
        wait_until(lambda: self.found(target="vain-five"), 15, "the last order")
        began = self.one(target="vain-one")
        entries, token = [], ""
        while True:
            page = self.page(action="kick", page_size=2, page_token=token)
            self.assertLessEqual(len(page["audit"]), 2)
            entries += [entry for entry in page["audit"] if entry["target"].startswith("vain-")]
            token = page["next_page_token"]
            if not token:
                break
        self.assertEqual([f"vain-{name}" for name in ("five", "four", "three", "two", "one")],
                         [entry["target"] for entry in entries])
        self.assertEqual(entries[:-1], self.found(action="kick", after=began["id"]))
        self.assertEqual(entries, self.found(action="kick", since=began["time"], until=entries[0]["time"]))

    def test_what_is_changed_while_nats_is_away_is_told_when_it_is_back(self):
        key = Key(self.cluster.dir, "late")
        record = self.clerk.record(key, client_key="late")
        self.clerk.change(record)
        self.one(target="late", action="device.add")
        with contextlib.ExitStack() as stack:
            self.cluster.nats.kill(signal.SIGTERM)
            stack.callback(self.cluster.wait_until_ready)
            stack.callback(self.cluster.nats.start)
            self.assertIn(self.cluster.request("DELETE", "/v1/tunnels/while-away")[0], (503, 504))
        self.assertNotEqual("", self.one(target="while-away", action="kick")["error"])
        self.assertEqual(1, len(self.found(target="while-away")))


if __name__ == "__main__":
    unittest.main()
