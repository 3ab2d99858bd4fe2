"""What systemd hears of a service: ready, reloading, stopping, and signs of life, which a slave gives
only while each of its workers answers."""

import contextlib
import os
import re
import signal
import time
import unittest

from cluster import BUILD, ClusterTestCase, read_text, wait_until
from own_service import Manager, OwnService, StoppedThread


@unittest.skipUnless(re.search(r"^libsystemd_FOUND\S*=1", read_text(BUILD / "CMakeCache.txt"), re.M),
                     "built without libsystemd")
class Supervisor(ClusterTestCase):
    options = ("--slaves", "1")

    def start(self, kind, watchdog_ms=None):
        manager = Manager()
        self.addCleanup(manager.close)
        environment = {"NOTIFY_SOCKET": manager.path}
        if watchdog_ms is not None:
            environment["WATCHDOG_USEC"] = str(watchdog_ms * 1000)
        # Three workers, so that one of them is not the only one.
        service = OwnService(self.cluster, kind, f"supervised-{kind}",
                             {"slave": {"workers": 3}} if kind == "slave" else {}, environment)
        self.addCleanup(self.end, service)
        manager.wait_for("READY=1")
        return manager, service

    @staticmethod
    def end(service):
        with contextlib.suppress(ProcessLookupError):
            service.stop(signal.SIGKILL)

    def test_each_service_tells_of_start_reload_and_end(self):
        for kind in ("master", "slave", "gateway"):
            with self.subTest(kind=kind):
                manager, service = self.start(kind)
                manager.wait_for("STATUS=ready")
                before = len(manager.messages)
                service.reload()
                reloading = manager.wait_for("RELOADING=1", before)
                told_us = int(re.search(r"^MONOTONIC_USEC=(\d+)$", reloading, re.M).group(1))
                self.assertLess(abs(time.clock_gettime(time.CLOCK_MONOTONIC) - told_us / 1e6), 15)
                manager.wait_for("READY=1", before)
                order = [message.split("=")[0] for message in manager.messages[before:]
                         if message.startswith(("RELOADING", "READY"))]
                self.assertEqual(["RELOADING", "READY"], order)

                os.kill(service.process.pid, signal.SIGTERM)
                stopping = manager.wait_for("STOPPING=1", before)
                self.assertRegex(stopping, r"(?m)^EXTEND_TIMEOUT_USEC=[1-9]\d+$")
                self.assertEqual(0, service.end()[0])

    def test_signs_of_life_come_where_systemd_wants_them(self):
        for kind in ("master", "slave", "gateway"):
            with self.subTest(kind=kind):
                manager, _ = self.start(kind, watchdog_ms=600)
                wait_until(lambda: len(manager.told("WATCHDOG=1")) >= 4, 10, "signs of life")

    def test_a_worker_that_stands_still_stops_the_signs_of_life(self):
        manager, slave = self.start("slave", watchdog_ms=600)
        workers = [t for t, name in slave.threads().items() if name.startswith("m4h-worker-")]
        self.assertEqual(3, len(workers))
        manager.wait_for("WATCHDOG=1")
        with StoppedThread(workers[1]):
            slave.wait_for(r"worker=\d does not answer")
            slave.wait_for("no sign of life is given")
            # Longer than the watchdog's period: systemd would have ended it.
            before, until = len(manager.messages), time.monotonic() + 1.2
            wait_until(lambda: time.monotonic() > until, 5)
            self.assertEqual([], manager.told("WATCHDOG=1", before))
        slave.wait_for("signs of life again")
        manager.wait_for("WATCHDOG=1", before)


if __name__ == "__main__":
    unittest.main()
