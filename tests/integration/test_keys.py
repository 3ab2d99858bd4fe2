"""Who may come is what the lines of authorized_keys say: from where, until when, with which port; and when a line
goes, so does its device."""

import unittest

from cluster import ClusterTestCase, ssh_device, wait_until
from events import Subscriber
from test_limits import a_free_port


class Keys(ClusterTestCase):
    options = ("--slaves", "1")

    def setUp(self):
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)

    def key_with(self, options, name):
        key = self.cluster.make_key(name, authorized=False)
        kind, public = key.with_suffix(".key.pub").read_text().split()[:2]
        with self.cluster.authorized_keys.open("a") as file:
            file.write(f"{options} {kind} {public} {name}\n")
        return key

    def device(self, key):
        device = ssh_device(self.cluster, self.cluster.slot(), key, self.echo.port)
        self.addCleanup(device.stop)
        return device

    def test_a_key_is_taken_from_where_its_line_says_and_from_nowhere_else(self):
        near = self.key_with('from="192.0.2.1,127.0.0.0/8,!127.0.0.9"', "from-near")
        far = self.key_with('from="10.0.0.0/8"', "from-far")
        self.assertGreater(self.device(near).port, 0)
        self.device(far).wait_for("Permission denied")
        wait_until(lambda: self.cluster.masters[0].log_lines("key is refused", "from that address"), 5,
                   "the master saying why")

    def test_a_key_whose_time_is_over_is_refused(self):
        valid = self.key_with('expiry-time="20990101Z"', "valid")
        over = self.key_with('expiry-time="20200101"', "over")
        self.assertGreater(self.device(valid).port, 0)
        self.device(over).wait_for("Permission denied")

    def test_a_device_has_the_port_and_the_labels_of_its_line(self):
        port = a_free_port()
        device = self.device(self.key_with(f'port="{port}",labels="site=berlin,model=p7"', "labelled"))
        self.assertEqual(port, device.port)
        tunnel = wait_until(lambda: self.cluster.tunnel("labelled"), 10, "REST showing it")
        self.assertEqual({"site": "berlin", "model": "p7"}, tunnel["labels"])

    def test_a_line_that_goes_cuts_its_device_and_keeps_it_out(self):
        key = self.key_with("restrict", "leaving")
        device = self.device(key)
        self.assertGreater(device.port, 0)
        wait_until(lambda: self.cluster.tunnel("leaving"), 10, "REST showing it")
        file = self.cluster.authorized_keys
        file.write_text("".join(line for line in file.read_text().splitlines(True) if "leaving" not in line))
        device.end(10)
        event = self.subscriber.wait_for("disconnect", "leaving")
        self.assertEqual("DISCONNECT_REASON_REVOKED", self.subscriber.reason_name(event))
        self.assertIn("authorized_keys", event.detail)
        self.device(key).wait_for("Permission denied")


if __name__ == "__main__":
    unittest.main()
