"""Two live devices with one key on two slaves: each master sees it by itself, and REST tells the same
whichever master answers."""

import shlex
import unittest
import urllib.request

from cluster import ClusterTestCase, Program, ssh_command, wait_until
from events import Subscriber


class FlappingReport(ClusterTestCase):
    options = ("--slaves", "2", "--masters", "2")

    def loop_on(self, slave, name):
        """A live device that comes back whenever it is thrown out."""
        command = ssh_command(self.cluster, self.cluster.slot_on(slave), self.cluster.dir / f"{name}.key",
                              "-N", "-T", "-R", f"0:127.0.0.1:{self.echo.port}")
        loop = Program(["bash", "-c", f"while :; do {shlex.join(map(str, command))}; sleep 0.3; done"])
        self.addCleanup(loop.stop)

    def metric(self, master, name):
        with urllib.request.urlopen(master.described["metrics_url"], timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def test_each_master_tells_of_it(self):
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        self.cluster.make_key("twins")
        self.connect("alone")
        self.assertIs(False, self.cluster.tunnel("alone")["flapping"])
        for slave in ("slave-1", "slave-2"):
            self.loop_on(slave, "twins")
        for master in self.cluster.masters:
            wait_until(lambda: self.metric(master, "mas4h_master_flapping") == 1, 30, "its metric")
            said = wait_until(lambda: master.log_lines('device="twins"', "each other out"), 5, "its log")
            self.assertEqual(1, len(said))
        self.assertGreaterEqual(subscriber.wait_for("flapping", "twins", 30).evictions, 3)
        for _ in range(10):  # both masters are asked
            self.assertEqual(1, self.cluster.get("/v1/cluster")["flapping"])
            self.assertIs(False, self.cluster.tunnel("alone")["flapping"])
        shown = wait_until(lambda: self.cluster.tunnel("twins"), 10, "REST showing one of them")
        self.assertIs(True, shown["flapping"])


if __name__ == "__main__":
    unittest.main()
