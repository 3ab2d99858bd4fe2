"""What a line of authorized_keys says of a device, its slave holds it to."""

import contextlib
import random
import socket
import unittest

from cluster import BUILD, ClusterTestCase, Device, echoes, run, ssh_command, wait_until
from events import Subscriber


def a_free_port():
    """One of the slaves' range that nobody listens on."""
    for port in random.sample(range(20000, 30000), 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


class Limits(ClusterTestCase):
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

    def device(self, key, *forwards, exits="yes"):
        hosts = ("127.0.0.1", "localhost")  # ssh leaves out what it has asked for already
        forwards = [part for port, host in zip(forwards, hosts)
                    for part in ("-R", f"{port}:{host}:{self.echo.port}")]
        command = ssh_command(self.cluster, self.cluster.slot(), key, "-N", "-T", "-v", *forwards)
        command = [f"ExitOnForwardFailure={exits}" if part == "ExitOnForwardFailure=yes" else part
                   for part in command]
        device = Device(command)
        self.addCleanup(device.stop)
        return device

    def refusal(self, name):
        refuse = self.subscriber.wait_for("refuse", name)
        return self.subscriber.reason_name(refuse), refuse.detail

    def test_labels_stand_in_events_and_lists_and_choose_among_devices(self):
        for name, labels in (("berlin-1", "site=berlin,env=test"), ("berlin-2", "env=prod,site=berlin")):
            self.device(self.key_with(f'labels="{labels}"', name), 0)
            tunnel = self.subscriber.wait_for("connect", name).tunnel
            self.assertEqual(sorted(labels.split(",")), [f"{label.name}={label.value}" for label in tunnel.labels])
        wait_until(lambda: self.cluster.tunnel("berlin-2"), 10, "both in the lists")
        self.assertEqual({"env": "test", "site": "berlin"}, self.cluster.tunnel("berlin-1")["labels"])
        for query, expected in (("label=site=berlin", ["berlin-1", "berlin-2"]), ("label=site=bonn", []),
                                ("label=site=berlin&label=env=prod", ["berlin-2"]),
                                ("label=env=test,site=berlin", ["berlin-1"])):
            listed = self.cluster.get(f"/v1/tunnels?{query}")["tunnels"]
            self.assertEqual(expected, [tunnel["client_key"] for tunnel in listed], query)
        ctl = run(BUILD / "bin" / "mas4hctl", "--gateway", self.cluster.gateways[0].described["url"],
                  "tunnels", "--quiet", "--label", "env=prod")
        self.assertEqual("berlin-2", ctl.strip())

    def test_a_device_gets_the_ports_that_it_may_ask_for_and_no_others(self):
        port, other = a_free_port(), a_free_port()
        key = self.key_with(f'permitlisten="localhost:{port}"', "one-port")
        device = self.device(key, port)
        device.wait_for(rf"remote forward success for: listen (?:\S+:)?{port}")
        self.assertTrue(echoes(port))
        device.stop()
        wait_until(lambda: self.cluster.tunnel("one-port") is None, 10, "the end of one-port")
        self.device(key, other).wait_for("remote port forwarding failed")
        reason, detail = self.refusal("one-port")
        self.assertEqual("REFUSE_REASON_PORT_UNAVAILABLE", reason)
        self.assertIn(f"may not ask for port {other}", detail)

    def test_any_port_is_one_of_those_that_the_device_may_have(self):
        port = a_free_port()
        device = self.device(self.key_with(f'permitlisten="{port}-{port}"', "any-port"), 0)
        self.assertEqual(port, device.port)
        self.assertTrue(echoes(port))

    def test_a_device_has_as_many_ports_as_it_may(self):
        device = self.device(self.key_with('max-forwards="1"', "few-ports"), 0, 0, exits="no")
        device.wait_for("Allocated port")
        device.wait_for("remote port forwarding failed|remote forward failure")
        tunnel = wait_until(lambda: self.cluster.tunnel("few-ports"), 10, "REST showing it")
        self.assertEqual(1, len(tunnel["ports"]))

    def test_a_limit_that_is_not_understood_lets_nobody_in(self):
        key = self.key_with('max-channels="many"', "misread")
        device = self.device(key, 0)
        device.wait_for("Permission denied")
        master = self.cluster.masters[0]
        lines = len(self.cluster.authorized_keys.read_text().splitlines())
        wait_until(lambda: master.log_lines(f"line={lines}", "max-channels needs a number"), 10, "the fault")


if __name__ == "__main__":
    unittest.main()
