"""The masters' own records: devices come in by them and go with them, unknown keys wait for approval, and no
master lacks what was answered with yes, whoever was away or killed meanwhile."""

import contextlib
import sqlite3
import subprocess
import unittest

from cluster import ClusterTestCase, Device, ssh_command, ssh_device, wait_until
from events import message_module
from questions import Asker, Key

CUT_WITHIN_S = 3
SAME_WITHIN_S = 15


class Clerk(Asker):
    """Changes and reads the records of one master."""

    def __init__(self, nats_url, master):
        super().__init__(nats_url, master)
        self.master = master
        self.device = message_module("device")

    def _send(self, what, request):
        return self.put(f"mas4h.v1.master.{self.master}.devices.{what}", request)

    def _reply(self, number):
        return self.device.DeviceReply.FromString(self.content(number))

    def record(self, key, **said):
        return self.device.Device(key_fingerprint=key.fingerprint, public_key=key.blob,
                                  **{"state": self.device.DEVICE_STATE_ENABLED, **said})

    def send_record(self, record, **said):
        return self._send("put", self.device.DevicePutRequest(device=record, actor="test", **said))

    def change(self, record, **said):
        return self._reply(self.send_record(record, **said))

    def remove(self, name):
        return self._reply(self._send("remove", self.device.DeviceRemoveRequest(name=name, actor="test")))

    def find(self, name):
        return self._reply(self._send("get", self.device.DeviceGetRequest(name=name)))

    def all(self, **said):
        found, token = [], ""
        while True:
            request = self.device.DevicesListRequest(page_token=token, **said)
            page = self.device.DevicesListReply.FromString(self.content(self._send("list", request))).page
            found += page.devices
            token = page.next_page_token
            if not token:
                return found

    def pending(self):
        return {device.key_fingerprint: device for device in self.all(state=self.device.DEVICE_STATE_PENDING)}


class MadeUpKey:
    """One of which there are many: nobody proves that he has it, so its fingerprint is enough."""

    blob = b""

    def __init__(self, number):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        spread = (number + 1) * 0x9E3779B97F4A7C15 % (1 << 64)
        self.fingerprint = "SHA256:" + "".join(alphabet[spread >> 6 * i & 63] for i in range(10)) + f"{number:033}"


class Records(ClusterTestCase):
    options = ("--masters", "3")
    environment = {"MAS4H_MASTER_ENROLMENT_ENABLED": "yes", "MAS4H_MASTER_AUTHORIZE_VALID_FOR": "0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerks = []
        for master in cls.cluster.masters:
            clerk = Clerk(cls.cluster.description["nats_url"], master.identity)
            cls.addClassCleanup(clerk.close)
            cls.clerks.append(clerk)
        cls.cluster.wait_until_ready()

    def key(self, name):
        """A key pair that no file knows: (path, what there is to know of it)."""
        path = self.cluster.make_key(name, authorized=False)
        return path, Key(self.cluster.dir, path.name)

    def device(self, path):
        device = ssh_device(self.cluster, self.cluster.slot(), path, self.echo.port)
        self.addCleanup(device.stop)
        return device

    def assert_refused(self, path):
        device = Device(ssh_command(self.cluster, self.cluster.slot(), path, "-N", "-R", "0:127.0.0.1:1"))
        self.addCleanup(device.stop)
        status, said = device.end()
        self.assertEqual(status, 255)
        self.assertIn("Permission denied", said)

    def wait_until_all_have(self, name, state):
        """Until each master says so of that record."""
        wait_until(lambda: all(clerk.find(name).device.state == state for clerk in self.clerks),
                   SAME_WITHIN_S, f"all masters having {name} in state {state}")

    def test_a_device_comes_in_by_its_record_and_goes_with_it(self):
        clerk, other, _ = self.clerks
        enabled, disabled = clerk.device.DEVICE_STATE_ENABLED, clerk.device.DEVICE_STATE_DISABLED
        path, key = self.key("by-record")
        made = clerk.change(clerk.record(key, client_key="pump-1", comment="in the cellar"), create_only=True)
        self.assertEqual((made.device.client_key, made.device.actor), ("pump-1", "test"))
        self.assertEqual(clerk.change(clerk.record(key), create_only=True).problem.code, 7)  # CONFLICT
        self.wait_until_all_have("pump-1", enabled)
        device = self.device(path)
        self.assertGreater(device.port, 0)
        wait_until(lambda: self.cluster.tunnel("pump-1"), 10, "REST showing pump-1")
        # Whichever master is asked: its tunnel is cut, and it does not come back.
        other.change(other.record(key, client_key="pump-1", state=disabled))
        self.assertEqual(device.process.wait(CUT_WITHIN_S), 255)
        self.wait_until_all_have(key.fingerprint, disabled)
        self.assert_refused(path)
        other.change(other.record(key, client_key="pump-1"))
        self.wait_until_all_have(key.fingerprint, enabled)
        device = self.device(path)
        self.assertGreater(device.port, 0)
        self.assertEqual(clerk.remove("pump-1").device.key_fingerprint, key.fingerprint)
        self.assertEqual(device.process.wait(CUT_WITHIN_S), 255)
        wait_until(lambda: all(c.find("pump-1").problem.code for c in self.clerks), 5, "no master knowing pump-1")
        self.assert_refused(path)
        self.assertNotIn(key.fingerprint, clerk.pending())  # somebody did not want it

    def test_an_unknown_key_waits_for_approval(self):
        path, key = self.key("stranger")
        self.assert_refused(path)
        for clerk in self.clerks:
            waits = wait_until(lambda: clerk.pending().get(key.fingerprint), 5, "the key being noted")
            self.assertEqual((waits.username, waits.public_key), ("device", key.blob))
            self.assertIn("127.0.0.1:", waits.remote_address)
        clerk = self.clerks[1]
        self.assertFalse([d for d in clerk.all() if d.key_fingerprint == key.fingerprint])
        approved = clerk.change(clerk.device.Device(key_fingerprint=key.fingerprint, client_key="known-now",
                                                    state=clerk.device.DEVICE_STATE_ENABLED))
        self.assertEqual(approved.device.public_key, key.blob)
        self.wait_until_all_have("known-now", clerk.device.DEVICE_STATE_ENABLED)
        self.assertGreater(self.device(path).port, 0)
        self.assertNotIn(key.fingerprint, self.clerks[0].pending())

    def test_a_key_is_not_put_under_the_fingerprint_of_another(self):
        clerk = self.clerks[0]
        _, mine = self.key("mine")
        _, other = self.key("other")
        record = clerk.record(mine)
        record.public_key = other.blob
        self.assertIn("not that of public_key", clerk.change(record).problem.detail)

    def test_a_master_that_was_away_has_all_when_it_is_back(self):
        first, second, third = self.clerks
        keys = [MadeUpKey(number) for number in range(200)]
        for number in [first.send_record(first.record(key, client_key=f"many-{i}")) for i, key in enumerate(keys)]:
            self.assertFalse(first._reply(number).problem.code)
        self.wait_until_all_have("many-199", first.device.DEVICE_STATE_ENABLED)
        self.cluster.masters[2].kill()
        second.change(second.record(keys[0], client_key="renamed"))
        second.remove("many-1")
        new = MadeUpKey(1000)
        first.change(first.record(new, client_key="new"))
        disk_is_small = self.start_on_small_disk(self.cluster.masters[2])
        expected = sorted((d.key_fingerprint, d.client_key, d.stamp) for d in first.all())
        self.assertTrue({"renamed", "new", "many-199"} <= {client_key for _, client_key, _ in expected})
        self.assertNotIn("many-1", [client_key for _, client_key, _ in expected])

        def has_all():
            with contextlib.suppress(AssertionError):
                return sorted((d.key_fingerprint, d.client_key, d.stamp) for d in third.all()) == expected
        wait_until(has_all, SAME_WITHIN_S, "the master that was away having all")
        if disk_is_small:
            self.fill_disk(third, first)

    def start_on_small_disk(self, master):
        """Starts it with its file on a disk of 1 MB. False: nobody lets us make one, and it has a large one."""
        records, small = self.cluster.dir / "records", self.cluster.dir / "small"
        small.mkdir()
        mount = f"mount -t tmpfs -o size=1m none {small} && cp {records}/{master.identity}.db* {small} && " \
                f"mount --bind {small} {records}"
        is_allowed = subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False).returncode == 0
        if is_allowed:
            command = master.command.with_name("small.sh")
            command.write_text(f"#!/bin/sh\nexec unshare -m sh -c '{mount} && exec {master.command}'\n")
            command.chmod(0o755)
            ready = master.command.with_suffix(".ready")
            ready.unlink(missing_ok=True)  # it was killed
            master.child = subprocess.Popen([str(command)], start_new_session=True)
            wait_until(ready.exists, 30, "the master on a small disk")
        else:
            master.start()
        return is_allowed

    def fill_disk(self, clerk, other):
        """What a full disk does not take is not so, neither here nor elsewhere; all else is as it was."""
        for number in range(1000):
            reply = clerk.change(clerk.record(MadeUpKey(5000 + number), client_key=f"full-{number}", comment="x" * 255))
            if reply.problem.code:
                break
        self.assertIn("could not be written: database or disk is full", reply.problem.detail)
        self.assertGreater(number, 0)
        self.wait_until_all_have(f"full-{number - 1}", clerk.device.DEVICE_STATE_ENABLED)
        for each in (clerk, other):
            self.assertTrue(each.find(f"full-{number}").problem.code)
        _, thief = self.key("thief")
        answers = (self.ban(clerk, key).problem.detail for key in [*map(MadeUpKey, range(7000, 7200)), thief])
        self.assertIn("it holds, and could not be written", list(answers)[-1])
        self.assertEqual(clerk.ask(thief).deny.detail, "banned: stolen")
        disabled = clerk.device.DEVICE_STATE_DISABLED
        other.change(other.record(MadeUpKey(2), client_key="many-2", state=disabled))
        self.wait_until_all_have("many-2", disabled)  # it is so there, disk or not

    def ban(self, clerk, key):
        command = message_module("command")
        request = command.RevokeRequest(key_fingerprint=key.fingerprint, banned=True, actor="test", reason="stolen")
        number = clerk.put(f"mas4h.v1.master.{clerk.master}.revoke", request)
        return command.RevokeReply.FromString(clerk.content(number))

    def rows(self, clerk, query):
        """The first column of what the file of that master says."""
        with contextlib.closing(sqlite3.connect(self.cluster.dir / "records" / f"{clerk.master}.db")) as file:
            return {row[0] for row in file.execute(query)}

    def test_kill_9_loses_nothing_that_was_answered_with_yes(self):
        clerk, master = self.clerks[1], self.cluster.masters[1]
        _, banned = self.key("banned")
        clerk.change(clerk.record(banned, client_key="pump-9"))
        keys = {clerk.send_record(clerk.record(key, client_key=f"killed-{i}")): key.fingerprint
                for i, key in enumerate(MadeUpKey(10000 + i) for i in range(3000))}
        with clerk.changed:
            clerk.changed.wait_for(lambda: len(keys.keys() & clerk.answers.keys()) >= 300, 10)
        self.assertFalse(self.ban(clerk, banned).problem.code)  # behind changes that wait for the disk
        master.kill()
        self.assertIn(f"key:{banned.fingerprint}", self.rows(clerk, "SELECT name FROM revocations WHERE banned"))
        with clerk.changed:
            answered = [fingerprint for number, fingerprint in keys.items() if clerk.answers.get(number)]
        self.assertGreaterEqual(len(answered), 300)
        kept = self.rows(clerk, "SELECT key_fingerprint FROM devices WHERE state = 'enabled'")
        self.assertEqual([fingerprint for fingerprint in answered if fingerprint not in kept], [])
        master.start()
        wait_until(lambda: clerk.find(answered[-1]).device.client_key, 10, "the master having them again")
        self.assertTrue(master.log_lines("bans="))
        self.assertEqual(clerk.ask(banned).deny.detail, "banned: stolen")


if __name__ == "__main__":
    unittest.main()
