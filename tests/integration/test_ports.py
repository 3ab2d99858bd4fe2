"""Ports of devices: a device finds its port again after its own end, its slave's, and on another slave;
a port asked for by its number is given or refused clearly."""

import contextlib
import random
import re
import socket
import unittest

from cluster import ClusterTestCase, echoes, read_text, ssh_command, ssh_device, wait_until, Device
from events import Subscriber


def a_free_port():
    """One of the slaves' range that nobody listens on, and hardly any device of another test had."""
    for port in random.sample(range(20000, 30000), 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


class Ports(ClusterTestCase):
    options = ("--slaves", "2")

    def setUp(self):
        self.cluster.wait_until_ready()
        self.subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(self.subscriber.close)

    def device_on(self, slave, name, *options, port=0, ends_on_failure=True):
        """A device that asks for the port there; stopped after the test."""
        command = ssh_command(self.cluster, self.cluster.slot_on(slave), self.cluster.dir / f"{name}.key",
                              "-N", "-T", "-v", *options, "-R", f"{port}:127.0.0.1:{self.echo.port}")
        if not ends_on_failure:
            command = ["ExitOnForwardFailure=no" if part == "ExitOnForwardFailure=yes" else part
                       for part in command]
        device = Device(command)
        self.addCleanup(device.stop)
        return device

    def opened(self, device, asked=0):
        pattern = (r"Allocated port (\d+) for remote forward" if asked == 0
                   else rf"remote forward success for: listen (?:\S+:)?({asked})")
        return int(device.wait_for(pattern).group(1))

    def leave(self, device, name):
        """Stops it, and returns when its slave has said so."""
        before = len(self.subscriber.of("disconnect", name))
        device.stop()
        wait_until(lambda: len(self.subscriber.of("disconnect", name)) > before, 10, f"the end of {name}")

    def lease_is_written(self, slave, port):
        path = self.lease_file(slave)
        wait_until(lambda: re.search(rf"^{port} ", read_text(path), re.M), 10, f"{port} in {path}")

    def lease_file(self, slave):
        return self.cluster.dir / "keys" / slave / "leases"

    def take_a_port_of_its_own(self, slave, name):
        """A device that holds a port which is not the first choice of its key."""
        port = a_free_port()
        device = self.device_on(slave, name, port=port)
        self.assertEqual(port, self.opened(device, port))
        self.assertTrue(echoes(port))
        return device, port

    def test_a_port_survives_a_reconnect(self):
        self.cluster.make_key("reconnects")
        device, port = self.take_a_port_of_its_own("slave-1", "reconnects")
        self.leave(device, "reconnects")
        self.assertEqual(port, self.opened(self.device_on("slave-1", "reconnects")))
        self.assertTrue(echoes(port))

    def test_a_port_survives_a_restart_of_the_slave(self):
        self.cluster.make_key("restarts")
        device, port = self.take_a_port_of_its_own("slave-1", "restarts")
        self.cluster.slave("slave-1").restart_as_child()
        self.cluster.masters[0].restart_as_child()  # it is not its memory that is tested
        self.cluster.wait_until_ready()
        device.end()
        self.assertEqual(port, self.opened(self.device_on("slave-1", "restarts")))

    def test_a_port_survives_kill_9_of_the_slave(self):
        self.cluster.make_key("killed")
        device, port = self.take_a_port_of_its_own("slave-1", "killed")
        self.lease_is_written("slave-1", port)
        self.cluster.slave("slave-1").kill()
        self.cluster.slave("slave-1").start()
        self.cluster.masters[0].restart_as_child()
        self.cluster.wait_until_ready()
        device.end()
        self.assertEqual(port, self.opened(self.device_on("slave-1", "killed")))

    def test_a_port_is_kept_from_others_after_a_restart_too(self):
        self.cluster.make_key("away")
        self.cluster.make_key("greedy")
        device, port = self.take_a_port_of_its_own("slave-1", "away")
        self.leave(device, "away")
        self.cluster.slave("slave-1").restart_as_child()
        self.cluster.wait_until_ready()
        greedy = self.device_on("slave-1", "greedy", port=port)
        self.assertNotEqual(0, greedy.end()[0])
        refusal = self.subscriber.wait_for("refuse", "greedy")
        self.assertEqual(("REFUSE_REASON_PORT_UNAVAILABLE", f"port {port} is kept for another device"),
                         (self.subscriber.reason_name(refusal), refusal.detail))
        self.assertEqual(port, self.opened(self.device_on("slave-1", "away")))

    def test_a_broken_file_of_leases_costs_leases_and_one_line(self):
        self.cluster.make_key("unlucky")
        device, port = self.take_a_port_of_its_own("slave-2", "unlucky")
        self.lease_is_written("slave-2", port)
        slave = self.cluster.slave("slave-2")
        slave.kill()
        device.end()
        self.lease_file("slave-2").write_bytes(b"mas4h-leases 1\n20001 \xff\xff")
        before = len(slave.log_lines("leases of ports"))
        slave.start()
        self.cluster.wait_until_ready()
        self.assertEqual(1, len(slave.log_lines("leases of ports")) - before)
        self.assertTrue(echoes(self.opened(self.device_on("slave-2", "unlucky"))))

    def test_a_port_moves_with_its_device_to_another_slave(self):
        self.cluster.make_key("moves")
        device, port = self.take_a_port_of_its_own("slave-1", "moves")
        self.leave(device, "moves")
        moved = self.device_on("slave-2", "moves")
        self.assertEqual(port, self.opened(moved))
        self.assertTrue(echoes(port))

    def test_a_port_that_is_in_use_on_the_other_slave_is_not_fought_for(self):
        for name in ("moves-not", "sits"):
            self.cluster.make_key(name)
        device, port = self.take_a_port_of_its_own("slave-1", "moves-not")
        self.leave(device, "moves-not")
        sitting = self.device_on("slave-2", "sits", port=port)
        self.opened(sitting, port)
        moved = self.opened(self.device_on("slave-2", "moves-not"))
        self.assertNotEqual(port, moved)
        self.assertTrue(echoes(moved))
        self.assertIsNone(sitting.process.poll())

    def test_a_port_that_was_asked_for_by_number_is_refused_with_the_reason(self):
        taken, foreign = a_free_port(), a_free_port()
        server = socket.create_server(("127.0.0.1", foreign))
        self.addCleanup(server.close)
        self.cluster.make_key("has")
        self.opened(self.device_on("slave-1", "has", port=taken), taken)
        for asked, detail in ((taken, f"port {taken} is in use"),
                              (foreign, f"port {foreign} is in use by another program"),
                              (8022, "port 8022 is not one of this slave's"),
                              (80, "port 80 is not one of this slave's")):
            with self.subTest(asked=asked):
                name = f"asks-{asked}"
                self.cluster.make_key(name)
                device = self.device_on("slave-1", name, port=asked)
                self.assertNotEqual(0, device.end()[0])
                self.assertIn("remote port forwarding failed", device.output)
                refusal = self.subscriber.wait_for("refuse", name)
                self.assertEqual(("REFUSE_REASON_PORT_UNAVAILABLE", detail),
                                 (self.subscriber.reason_name(refusal), refusal.detail))
                self.assertEqual(1, len(self.cluster.slave("slave-1").log_lines(name, detail, "refused")))

    def test_after_a_refusal_a_device_may_ask_for_another_port(self):
        self.cluster.make_key("asks-again")
        port = a_free_port()
        device = self.device_on("slave-1", "asks-again", "-R", f"80:127.0.0.1:{self.echo.port}",
                                port=port, ends_on_failure=False)
        self.assertEqual(port, self.opened(device, port))
        self.assertTrue(echoes(port))
        self.assertEqual([port], wait_until(lambda: self.cluster.tunnel("asks-again"), 10, "REST")["ports"])


    def allow(self, name, options):
        """A device whose line in authorized_keys begins with these options."""
        key = self.cluster.make_key(name, authorized=False)
        public = " ".join(key.with_suffix(".key.pub").read_text().split()[:2])
        with self.cluster.authorized_keys.open("a") as file:
            file.write(f"{options} {public} {name}\n")

    def test_permitlisten_says_which_ports_a_device_may_ask_for(self):
        allowed, other = a_free_port(), a_free_port()
        self.allow("permitted", f'permitlisten="{allowed}"')
        self.assertEqual(allowed, self.opened(self.device_on("slave-1", "permitted", port=allowed), allowed))
        refused = self.device_on("slave-2", "permitted", port=other)
        self.assertNotEqual(0, refused.end()[0])
        refusal = self.subscriber.wait_for("refuse", "permitted")
        self.assertEqual(f"this device may not ask for port {other}", refusal.detail)

    def test_who_has_ports_of_its_own_gets_them_for_any_port_too(self):
        allowed = a_free_port()
        self.allow("assigned", f'permitlisten="{allowed}"')
        device = self.device_on("slave-1", "assigned")
        self.assertEqual(allowed, self.opened(device))
        self.leave(device, "assigned")
        self.assertEqual(allowed, self.opened(self.device_on("slave-2", "assigned")))

    def test_max_forwards_of_a_device_goes_before_that_of_the_slave(self):
        self.allow("single", 'max-forwards="1"')
        self.allow("many", 'max-forwards="6"')
        more = [part for n in range(2, 7) for part in ("-R", f"0:127.0.0.{n}:{self.echo.port}")]
        single = self.device_on("slave-1", "single", *more[:2], ends_on_failure=False)
        single.wait_for("remote port forwarding failed")
        self.opened(single)
        self.assertIn("as many ports", self.subscriber.wait_for("refuse", "single").detail)
        self.device_on("slave-1", "many", *more)
        wait_until(lambda: len((self.cluster.tunnel("many") or {"ports": []})["ports"]) == 6, 10, "six ports")


class NoNumbers(ClusterTestCase):
    """Slaves that let no device choose its port."""

    options = ("--slaves", "1")
    environment = {"MAS4H_SLAVE_TUNNEL_EXPLICIT_PORTS": "no"}

    def test_a_device_may_not_choose_its_port_where_the_slave_says_so(self):
        key = self.cluster.make_key("chooses")
        subscriber = Subscriber(self.cluster.description["nats_url"])
        self.addCleanup(subscriber.close)
        slot = self.cluster.slot()
        device = Device(ssh_command(self.cluster, slot, key, "-N", "-T", "-R",
                                    f"{a_free_port()}:127.0.0.1:{self.echo.port}"))
        self.addCleanup(device.stop)
        self.assertNotEqual(0, device.end()[0])
        self.assertIn("may not ask for port", subscriber.wait_for("refuse", "chooses").detail)
        any_port = ssh_device(self.cluster, slot, key, self.echo.port)
        self.addCleanup(any_port.stop)
        self.assertTrue(echoes(any_port.port))


if __name__ == "__main__":
    unittest.main()
