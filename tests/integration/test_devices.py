"""Records of devices and revocations over REST: made, listed, changed, approved and removed, and what that does to real
devices; what is wrong changes nothing and says why."""

import contextlib
import http.client
import json
import unittest
import urllib.parse

from cluster import ClusterTestCase, Program, fingerprint, ssh_command, ssh_device, wait_until

CUT_WITHIN_S = 3


def quoted(name):
    return urllib.parse.quote(name, safe="")


class Devices(ClusterTestCase):
    environment = {"MAS4H_MASTER_ENROLMENT_ENABLED": "yes", "MAS4H_MASTER_AUTHORIZE_VALID_FOR": "0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.wait_until_ready()

    # --- asking ---

    def ask(self, method, path, expected, body=None):
        status, document = self.cluster.request(method, path, body)
        self.assertEqual(expected, status, document)
        return document

    def problem(self, method, path, expected, body=None):
        return self.ask(method, path, expected, body)["detail"]

    def send(self, method, path, text, media_type="application/json"):
        """(status, document) of a body that need not be JSON."""
        host = self.cluster.gateways[0].described["url"].removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=20)) as connection:
            connection.request(method, path, text, {"Content-Type": media_type})
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def key(self, name):
        """A key pair that nobody knows: (its file, the line of its .pub, its fingerprint)."""
        path = self.cluster.make_key(name, authorized=False)
        return path, (path.parent / f"{path.name}.pub").read_text().strip(), fingerprint(f"{path}.pub")

    def add(self, name, **said):
        path, line, _ = self.key(name)
        return path, self.ask("POST", "/v1/devices", 201, {"public_key": line, "client_key": name, **said})

    def device(self, path, name):
        """A device with that key that is up."""
        device = ssh_device(self.cluster, self.cluster.slot(), path, self.echo.port)
        self.addCleanup(device.stop)
        device.port  # noqa: B018: waits for it
        wait_until(lambda: self.cluster.tunnel(name), 10, f"REST showing {name}")
        return device

    def is_let_in(self, path):
        device = Program(ssh_command(self.cluster, self.cluster.slot(), path, "-N", "-T", "-R",
                                     f"0:127.0.0.1:{self.echo.port}"))
        try:
            return wait_until(lambda: device.said("Allocated port") or device.said("Permission denied"), 15,
                              "an answer").group().startswith("Allocated")
        finally:
            device.stop()

    def assert_cut(self, device):
        wait_until(lambda: device.process.poll() is not None, CUT_WITHIN_S, "the end of the device")

    # --- records ---

    def test_a_record_lets_a_device_in_until_it_is_disabled_or_removed(self):
        path, made = self.add("pump-1", labels={"site": "berlin"}, comment="by the river")
        name = quoted(made["key_fingerprint"])
        self.assertEqual(("enabled", "pump-1", {"site": "berlin"}, "by the river"),
                         tuple(made[member] for member in ("state", "client_key", "labels", "comment")))
        self.assertEqual(made, self.ask("GET", f"/v1/devices/{name}", 200))
        self.assertEqual(made, self.ask("GET", "/v1/devices/pump-1", 200))
        device = self.device(path, "pump-1")
        self.assertEqual({"site": "berlin"}, self.cluster.tunnel("pump-1")["labels"])
        changed = self.ask("PATCH", f"/v1/devices/{name}", 200, {"state": "disabled"})
        self.assertEqual(("disabled", {"site": "berlin"}), (changed["state"], changed["labels"]))
        self.assert_cut(device)
        self.assertFalse(self.is_let_in(path))
        self.ask("PATCH", "/v1/devices/pump-1", 200, {"state": "enabled", "labels": None})
        device = self.device(path, "pump-1")
        self.assertEqual({}, self.cluster.tunnel("pump-1")["labels"])
        self.ask("DELETE", f"/v1/devices/{name}?reason=sold", 204)
        self.assert_cut(device)
        self.ask("GET", "/v1/devices/pump-1", 404)
        self.ask("DELETE", f"/v1/devices/{name}", 404)

    def test_who_is_unknown_waits_until_he_is_approved_or_rejected(self):
        path, line, name = self.key("newcomer")
        other, _, rejected = self.key("stranger")
        self.assertFalse(self.is_let_in(path) or self.is_let_in(other))
        def waiting():
            return {one["key_fingerprint"]: one for one in
                    self.ask("GET", "/v1/devices?state=pending", 200)["devices"]}
        wait_until(lambda: {name, rejected} <= waiting().keys(), 5, "both waiting")
        self.assertEqual((line.split()[1], ""), (waiting()[name]["public_key"].split()[1], waiting()[name]["client_key"]))
        self.assertEqual("it waits for approval", self.problem("PATCH", f"/v1/devices/{quoted(name)}", 409, {}))
        self.ask("POST", f"/v1/devices/{quoted(name)}/approve", 200, {"client_key": "newcomer"})
        self.ask("DELETE", f"/v1/devices/{quoted(rejected)}", 204)
        self.assertFalse({name, rejected} & waiting().keys())
        self.device(path, "newcomer")
        self.assertEqual("it does not wait for approval",
                         self.problem("POST", "/v1/devices/newcomer/approve", 409))

    def test_a_ban_cuts_and_holds_until_it_is_lifted(self):
        path, made = self.add("thief")
        device = self.device(path, "thief")
        ban = self.ask("POST", "/v1/revocations", 201, {"client_key": "thief", "reason": "stolen"})
        self.assertEqual(("device:thief", "thief", "", True, "stolen"),
                         tuple(ban[member] for member in ("name", "client_key", "key_fingerprint", "banned", "reason")))
        self.assert_cut(device)
        self.assertIn(ban, self.ask("GET", "/v1/revocations?banned=true", 200)["revocations"])
        self.assertFalse(self.is_let_in(path))
        self.ask("DELETE", "/v1/revocations/device%3Athief?reason=found", 204)
        self.assertEqual("there is no such ban", self.problem("DELETE", "/v1/revocations/device%3Athief", 404))
        self.assertNotIn("thief", [one["client_key"] for one in
                                   self.ask("GET", "/v1/revocations?banned=true", 200)["revocations"]])
        device = self.device(path, "thief")
        # The end of a ban that is none cuts nobody; what is revoked without a ban may come again.
        self.ask("DELETE", f"/v1/revocations/{quoted('key:' + made['key_fingerprint'])}", 404)
        self.assertIsNone(device.process.poll())
        self.ask("POST", "/v1/revocations", 201, {"key_fingerprint": made["key_fingerprint"], "ban": False})
        self.assert_cut(device)
        self.device(path, "thief")


if __name__ == "__main__":
    unittest.main()
