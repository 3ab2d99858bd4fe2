"""A slave that is full, or drains, gets no devices; whom it refuses changes nothing for the others."""

import unittest

from cluster import ClusterTestCase, Device, echoes, ssh_command, wait_until
from events import Subscriber


class Capacity(ClusterTestCase):
    options = ("--slaves", "2")
    environment = {"MAS4H_SLAVE_SLAVE_CAPACITY": "2"}

    def counts(self):
        return {s["slave_id"]: (s["state"], s["tunnels"]) for s in self.cluster.get("/v1/slaves")["slaves"]}

    def slot_problem(self):
        status, document = self.cluster.request("POST", "/v1/slots", {})
        return (status, document["code"]) if status != 200 else None

    def test_slots_end_where_the_room_does(self):
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        devices = [self.connect(f"dev-{i}") for i in range(4)]
        full = {"slave-1": ("ready", 2), "slave-2": ("ready", 2)}
        self.assertEqual(full, self.counts())
        self.assertEqual((503, "no_capacity"), self.slot_problem())

        key = self.cluster.make_key("uninvited")  # and without a slot
        for _ in range(3):
            refused = Device(ssh_command(self.cluster, self.cluster.slot_on("slave-1"), key, "-N", "-T",
                                         "-R", f"0:127.0.0.1:{self.echo.port}"))
            self.assertNotEqual(0, refused.end()[0])
        refusal = subscriber.wait_for("refuse", "uninvited")
        self.assertEqual("REFUSE_REASON_FULL", subscriber.reason_name(refusal))
        loads = len(subscriber.of("load"))
        wait_until(lambda: len(subscriber.of("load")) >= loads + 4, 15, "two load events of each slave")
        self.assertEqual(full, self.counts())
        self.assertTrue(all(s["synced"] for s in self.cluster.get("/v1/slaves")["slaves"]))
        self.assertTrue(all(echoes(device.port) for device in devices))

        leaver = next(d for i, d in enumerate(devices)
                      if self.cluster.tunnel(f"dev-{i}")["slave_id"] == "slave-1")
        leaver.stop()
        wait_until(lambda: self.counts()["slave-1"] == ("ready", 1), 10, "room on slave-1")
        self.assertEqual("slave-1", self.cluster.slot()["slave_id"])
        self.assertEqual((503, "no_capacity"), self.slot_problem())  # that room is reserved

        # Room on a slave that drains is no room.
        self.assertEqual(202, self.cluster.request("POST", "/v1/slaves/slave-2/drain")[0])
        wait_until(lambda: self.counts()["slave-2"] == ("draining", 0), 30, "slave-2 being empty")
        wait_until(lambda: self.slot_problem() is None, 10, "the end of the reservation")
        self.assertEqual((503, "no_capacity"), self.slot_problem())


if __name__ == "__main__":
    unittest.main()
