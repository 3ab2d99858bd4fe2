"""A slave that is full says so, to the device and on the bus, and takes the next one when there is room."""

import unittest

from cluster import ClusterTestCase, echoes, ssh_device, wait_until
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


if __name__ == "__main__":
    unittest.main()
