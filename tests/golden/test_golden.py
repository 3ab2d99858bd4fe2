"""Each message that was ever kept here decodes to what it was then: with the schema of today by protoc, and by lib/wire,
of which nothing may get lost or be refused."""

import os
import subprocess
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"
GOLDEN = os.environ.get("M4H_GOLDEN", HERE.parents[1] / "build" / "dev" / "bin" / "golden")

EVENTS = ("connect", "disconnect", "load", "start", "drain", "stop", "refuse", "flapping", "access", "reload")
MESSAGES = {  # the beginning of a kind's name, and its message
    **{f"{name}.": "Event" for name in EVENTS},
    "dispatch_request": "DispatchRequest", "dispatch_": "DispatchReply",
    "authorize_request": "AuthorizeRequest", "authorize_": "AuthorizeReply",
    "cluster_request": "ClusterStatusRequest", "cluster_": "ClusterStatusReply",
    "slaves_request": "SlavesStatusRequest", "slaves_": "SlavesStatusReply",
    "tunnels_request": "TunnelsStatusRequest", "tunnels_": "TunnelsStatusReply",
    "tunnel_request": "TunnelStatusRequest", "tunnel_": "TunnelStatusReply",
    "kick_request": "KickRequest", "kick_": "KickReply",
    "slot_": "SlotMessage", "drain_notice": "SlotMessage",
    "drain_request": "DrainRequest", "drain_": "DrainReply",
    "snapshot_request": "SnapshotRequest", "snapshot_": "SnapshotReply",
    "locate_request": "LocateRequest", "locate_": "LocateReply",
    "revoke_request": "RevokeRequest", "revoke_": "RevokeReply",
    "revocations_request": "RevocationsRequest", "revocations_": "RevocationsReply",
    "devices_request": "DevicesListRequest", "devices_changed": "DevicesChanged", "devices_": "DevicesListReply",
    "device_get": "DeviceGetRequest", "device_remove": "DeviceRemoveRequest", "device_put": "DevicePutRequest",
    "device_": "DeviceReply", "audit_record": "AuditRecord",
    "revoke": "Revoke", "hello": "MasterHello", "reservations": "Reservations",
}


def message_of(kind):
    return next(message for prefix, message in MESSAGES.items() if f"{kind}.".startswith(prefix))


def text_of(kind, data):
    """The message as text, by the schema of today. A field that it does not know shows as a number."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    done = subprocess.run(
        ["protoc", "-I.", "-I/usr/include", f"--decode=mas4h.v1.{message_of(kind)}", *sources],
        cwd=PROTO, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return done.stdout.decode()


def without(lines, added):
    """The lines that are in `lines` are all in `added`, in the same order."""
    rest = iter(added)
    return [line for line in lines if line not in rest]


def files():
    return sorted(HERE.glob("v*/*.bin"))


class Golden(unittest.TestCase):
    def test_the_schema_of_today_reads_what_was_kept_as_it_was(self):
        for path in files():
            with self.subTest(path.relative_to(HERE)):
                self.assertEqual(path.with_suffix(".txt").read_text(), text_of(path.stem, path.read_bytes()))

    def test_our_own_reader_takes_it_and_loses_nothing(self):
        for path in files():
            with self.subTest(path.relative_to(HERE)):
                done = subprocess.run([GOLDEN, "recode", path.stem, path], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
                self.assertEqual(0, done.returncode, done.stderr.decode())
                # A field that is new since may have got its default, so there may be more.
                kept = path.with_suffix(".txt").read_text().splitlines()
                read = text_of(path.stem, done.stdout).splitlines()
                self.assertEqual([], without(kept, read))

    def test_every_kind_of_message_is_kept(self):
        names = subprocess.run([GOLDEN, "names"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
        self.assertEqual(set(), set(names) - {path.stem for path in files()}, "tests/golden/add.sh adds them")


if __name__ == "__main__":
    unittest.main()
