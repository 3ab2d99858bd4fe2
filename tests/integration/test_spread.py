"""Slots that many ask for at once, from several masters, are spread evenly over the slaves."""

import collections
import concurrent.futures
import subprocess
import unittest

from cluster import BUILD, ClusterTestCase, Program, wait_until

SLAVES = 10
SLOTS = 1000


class Spread(ClusterTestCase):
    options = ("--masters", "3", "--slaves", "1")
    environment = {"MAS4H_MASTER_DISPATCH_RESERVATION_MS": "60000"}

    def simulate(self, region, capacities):
        """Ten slaves without devices in a region of their own, known to all masters."""
        url = self.cluster.description["nats_url"]
        fleet = Program([BUILD / "bin" / "cluster-load", "slaves", "--url", url, "--slaves", SLAVES,
                         "--regions", region, "--capacity", capacities])
        self.addCleanup(fleet.stop)

        def are_known():
            slaves = [s for s in self.cluster.get("/v1/slaves")["slaves"] if s["region"] == region]
            return len(slaves) == SLAVES and all(s["synced"] and s["state"] == "ready" for s in slaves)
        for _ in range(30):  # any of the masters answers: so each of them has, as good as surely
            wait_until(are_known, 20, f"the slaves of {region}")

    def spread(self, region):
        """How many of the slots each slave got."""
        def ask(_):
            return self.cluster.slot(region=region)["slave_id"]
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            return collections.Counter(pool.map(ask, range(SLOTS)))

    def test_equal_slaves_get_equally_many(self):
        self.simulate("even", SLOTS // SLAVES)
        given = self.spread("even")
        self.assertEqual(SLAVES, len(given), given)
        self.assertLessEqual(max(given.values()) - min(given.values()), SLOTS // SLAVES * 2 // 100 + 1, given)

        # All room is given, as each master knows of what the others gave. What they gave at the very
        # same moment may have gone to one slave twice, and then there is as much left elsewhere.
        more = [self.cluster.request("POST", "/v1/slots", {"region": "even"}) for _ in range(60)]
        self.assertLessEqual(sum(status == 200 for status, _ in more), SLOTS * 2 // 100, more[-1])
        self.assertEqual({"no_capacity"}, {answer["code"] for status, answer in more if status != 200})

    def test_a_slave_with_twice_the_room_gets_twice_as_many(self):
        self.simulate("uneven", "1000,2000")
        given = self.spread("uneven")
        for number in range(SLAVES):
            fair = SLOTS / 15 * (1 + number % 2)
            self.assertAlmostEqual(fair, given[f"bench-{number:03}"], delta=4, msg=given)


if __name__ == "__main__":
    unittest.main()
