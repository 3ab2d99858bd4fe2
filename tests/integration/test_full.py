"""A slave that is full says so, to the device and on the bus, and takes the next one when there is room."""

import unittest

from cluster import ClusterTestCase, Device, echoes, ssh_command, ssh_device, wait_until
from events import Subscriber


class Full(ClusterTestCase):
    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_SLAVE_CAPACITY": "2"}

    def test_a_device_beyond_capacity_is_told_why_and_comes_in_when_there_is_room(self):
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        slot = self.cluster.slot_on("slave-1")
        first = self.connect("first", slot)
        self.connect("second", slot)
        key = self.cluster.make_key("third")
        third = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(third.stop)
        third.wait_for("Received disconnect .*the server is full: try again later")
        refuse = subscriber.wait_for("refuse", "third")
        self.assertEqual("REFUSE_REASON_FULL", subscriber.reason_name(refuse))
        status, problem = self.cluster.request("POST", "/v1/slots", {})
        self.assertEqual((503, "no_capacity"), (status, problem["code"]))
        first.stop()
        wait_until(lambda: not self.cluster.tunnel("first"), 10, "the first one being gone")
        self.assertTrue(echoes(self.connect("fourth", slot).port))

    def test_one_key_that_asks_for_no_port_does_not_fill_the_slave(self):
        slot = self.cluster.slot_on("slave-1")
        first = self.connect("greedy", slot)
        key = self.cluster.dir / "greedy.key"
        idle = []
        for _ in range(12):
            device = Device(ssh_command(self.cluster, slot, key, "-v", "-N", "-T"))
            self.addCleanup(device.stop)
            device.wait_for("Authenticated to|Received disconnect")
            idle.append(device)
        wait_until(lambda: sum(device.process.poll() is None for device in idle) <= 2, 3,
                   "the oldest ones being sent away")
        self.assertIn("closed by the server: replaced", idle[0].wait_for("closed by the server: .*").group())
        self.assertTrue(echoes(first.port))
        for device in idle:
            device.stop()

        def modest():
            device = ssh_device(self.cluster, slot, self.cluster.make_key("modest"), self.echo.port)
            self.addCleanup(device.stop)
            return device.port
        self.assertTrue(echoes(modest()))


if __name__ == "__main__":
    unittest.main()
