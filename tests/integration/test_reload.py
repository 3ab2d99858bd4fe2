"""The configuration is read again, at SIGHUP and when its file changes, and no tunnel notices."""

import contextlib
import ctypes
import os
import socket
import unittest

from cluster import ClusterTestCase, Operator, Program, echoes, run, ssh_command, ssh_device, wait_until
from own_service import OwnService


class Reload(ClusterTestCase):
    options = ("--slaves", "1")

    def start(self, kind, identity, **settings):
        service = OwnService(self.cluster, kind, identity, settings)
        self.addCleanup(service.stop)
        return service

    def start_slave(self, identity, **settings):
        slave = self.start("slave", identity, **settings)
        wait_until(lambda: self.cluster.request("GET", f"/v1/slaves/{identity}")[0] == 200, 10,
                   f"REST showing {identity}")
        return slave

    def connect_to(self, identity, name, *options):
        device = ssh_device(self.cluster, self.cluster.slot_on(identity),
                            self.cluster.make_key(name), self.echo.port, *options)
        self.addCleanup(device.stop)
        return device

    def operator(self, device):
        operator = Operator(device.port)
        self.addCleanup(operator.close)
        self.assertTrue(operator.echo(b"before"))
        return operator

    def assert_untouched(self, device, operator):
        self.assertTrue(operator.echo(b"the same connection"))
        self.assertTrue(echoes(device.port))
        self.assertIsNone(device.process.poll())

    def test_limits_change_for_those_who_come_and_no_tunnel_is_dropped(self):
        slave = self.start_slave("limits", run={"watch_config": "no"})
        # Two ports: more than the new limit.
        device = self.connect_to("limits", "limits-first", "-R", f"0:localhost:{self.echo.port}")
        operator = self.operator(device)
        said = slave.reload({"tunnel": {"forwards_max": 1}, "log": {"level": "debug"},
                             "device": {"keepalive_ms": "1s"}})
        self.assertIn("setting=tunnel.forwards_max changed", said)
        self.assertIn("changed=3 configuration is reloaded", said)
        self.assert_untouched(device, operator)

        key = self.cluster.make_key("limits-second")
        command = ssh_command(self.cluster, self.cluster.slot_on("limits"), key, "-N", "-T",
                              "-R", f"0:127.0.0.1:{self.echo.port}",
                              "-R", f"0:localhost:{self.echo.port}")
        refused = Program(command)
        self.addCleanup(refused.stop)
        status, output = refused.end()
        self.assertNotEqual(0, status)
        self.assertIn("remote port forwarding failed", output)
        self.assertIn(" debug ", slave.output)

        # And the other way round.
        slave.reload({"tunnel": {"forwards_max": 2}, "log": {"level": "info"}})
        self.connect_to("limits", "limits-third", "-R", f"0:127.0.0.1:{self.echo.port}").port
        self.assert_untouched(device, operator)

    def test_a_list_of_networks_changes_for_the_operators_who_come(self):
        slave = self.start_slave("networks", run={"watch_config": "no"})
        device = self.connect_to("networks", "networks-device")
        operator = self.operator(device)
        slave.reload({"tunnel": {"operator_networks": "192.0.2.0/24, 2001:db8::/32"}})
        self.assertFalse(echoes(device.port))
        self.assertTrue(operator.echo(b"the same connection"))
        self.assertIn("expected", slave.reload({"tunnel": {"operator_networks": "127.0.0.0/33"}}))
        self.assertFalse(echoes(device.port))
        slave.reload({"tunnel": {"operator_networks": "127.0.0.0/8"}})
        self.assert_untouched(device, operator)

    def test_a_keepalive_that_became_shorter_finds_a_device_that_is_up_already(self):
        slave = self.start_slave("keepalive")
        device = self.connect_to("keepalive", "frozen")
        device.port
        slave.reload({"device": {"keepalive_ms": "500ms", "keepalive_misses": 2}})
        os.killpg(device.process.pid, 19)  # SIGSTOP
        self.addCleanup(os.killpg, device.process.pid, 18)
        slave.wait_for('device="frozen".*reason=keepalive_timeout', 15)

    def user_timeout_ms(self, slave, device_pid):
        """TCP_USER_TIMEOUT of the slave's end of the device's connection."""
        port = next(int(line.split()[3].rpartition(":")[2]) for line in
                    run("ss", "-Htnp", "dst", f"127.0.0.1:{slave.address('device').rpartition(':')[2]}").splitlines()
                    if f"pid={device_pid}," in line)
        libc = ctypes.CDLL(None, use_errno=True)
        pidfd = os.pidfd_open(slave.process.pid)
        self.addCleanup(os.close, pidfd)
        for name in os.listdir(f"/proc/{slave.process.pid}/fd"):
            if not os.readlink(f"/proc/{slave.process.pid}/fd/{name}").startswith("socket:"):
                continue
            fd = libc.syscall(438, pidfd, int(name), 0)  # pidfd_getfd
            if fd < 0:
                self.skipTest(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            with contextlib.suppress(OSError), contextlib.closing(socket.socket(fileno=fd)) as connection:
                if connection.getpeername()[1] == port:
                    return connection.getsockopt(socket.IPPROTO_TCP, 18)
        return None

    def test_a_longer_keepalive_gives_connections_that_are_up_more_patience(self):
        slave = self.start_slave("patience", run={"watch_config": "no"})
        device = self.connect_to("patience", "patience-device")
        device.port
        self.assertEqual(3 * 15000 - 5000, self.user_timeout_ms(slave, device.process.pid))
        slave.reload({"device": {"keepalive_ms": "60s"}})
        wait_until(lambda: self.user_timeout_ms(slave, device.process.pid) == 3 * 60000 - 5000, 5,
                   "the new limit of the kernel")

    def test_what_takes_a_restart_is_named_and_stays(self):
        slave = self.start_slave("restart")
        slave.reload({"slave": {"id": "another"}, "tunnel": {"port_min": 21000}})
        warnings = [line for line in slave.output.splitlines() if "takes a restart" in line]
        self.assertEqual(2, len(warnings), warnings)
        self.assertIn("setting=slave.id ", warnings[0])
        self.assertIn("setting=tunnel.port_min ", warnings[1])
        wait_until(lambda: self.cluster.get("/v1/slaves/restart")["state"] == "ready", 10, "its name")
        self.assertEqual(404, self.cluster.request("GET", "/v1/slaves/another")[0])

    def test_capacity_is_told_to_the_masters(self):
        slave = self.start_slave("capacity", slave={"capacity": 7})
        self.assertEqual(7, self.cluster.get("/v1/slaves/capacity")["capacity"])
        slave.reload({"slave": {"capacity": 3}})
        wait_until(lambda: self.cluster.get("/v1/slaves/capacity")["capacity"] == 3, 10,
                   "REST showing the new capacity")

    def test_a_bad_file_changes_nothing_and_is_told_in_log_and_metrics(self):
        slave = self.start_slave("bad-file", run={"watch_config": "no"})
        device = self.connect_to("bad-file", "bad-file-device")
        operator = self.operator(device)
        slave.write_text("[device]\nkeys_max = 3\nkeepalive_ms = soon\n")
        said = slave.reload()
        self.assertIn("slave.conf:3: [device] keepalive_ms: expected a duration", said)
        self.assertIn("not reloaded: the old settings stay", said)
        metrics = slave.metrics()
        self.assertEqual(0, metrics["mas4h_config_last_reload_successful"])
        self.assertEqual(1, metrics['mas4h_config_reloads_total{result="failed"}'])
        self.assert_untouched(device, operator)

        slave.reload({"device": {"keys_max": 3}})
        self.assertEqual(1, slave.metrics()["mas4h_config_last_reload_successful"])
        self.assert_untouched(device, operator)

    def test_a_file_that_changes_is_read_without_a_signal(self):
        slave = self.start_slave("watched", load={"interval_ms": "200ms"})
        device = self.connect_to("watched", "watched-device")
        operator = self.operator(device)
        before = len(slave.output)
        slave.write({"device": {"keys_max": 2}})
        said = slave.logged_since(before, "is reloaded")
        self.assertIn("cause=file changed=1", said)
        slave.write_text("nonsense\n")
        slave.logged_since(before, "not reloaded")
        self.assert_untouched(device, operator)

    def test_a_master_reads_keys_and_settings_again(self):
        master = self.start("master", "reloaded", run={"watch_config": "no"})
        said = master.reload({"log": {"level": "debug"}, "authorize": {"valid_for": "5s"},
                              "http": {"listen": "127.0.0.1:1"}})
        self.assertIn("changed=2 configuration is reloaded", said)
        self.assertIn("setting=http.listen changed, which takes a restart", said)
        master.wait_for(r"keys are read\n[^$]*keys are read")
        self.assertEqual(1, master.metrics()['mas4h_config_reloads_total{result="ok"}'])

    def test_a_master_takes_the_pace_of_slots_over(self):
        # The cluster's own master must not answer instead.
        theirs = self.cluster.masters[0]
        master = self.start("master", "pacing", run={"watch_config": "no"})
        theirs.kill()
        self.addCleanup(self.cluster.wait_until_ready)
        self.addCleanup(theirs.start)
        wait_until(lambda: self.cluster.request("POST", "/v1/slots", {})[0] == 200, 15, "a slot")
        master.reload({"dispatch": {"slots_per_second": 1}})
        answers = [self.cluster.request("POST", "/v1/slots", {})[0] for _ in range(5)]
        self.assertIn(429, answers)
        master.reload({"dispatch": {"slots_per_second": 0}})
        answers = [self.cluster.request("POST", "/v1/slots", {})[0] for _ in range(5)]
        self.assertEqual([200] * 5, answers)

    def test_masters_and_gateways_notice_their_files_too(self):
        for kind in ("master", "gateway"):
            with self.subTest(kind=kind):
                service = self.start(kind, f"watched-{kind}")
                before = len(service.output)
                service.write({"log": {"level": "debug"}})
                self.assertIn("setting=log.level changed", service.logged_since(before, "is reloaded"))

    def audited(self, identity):
        """(actor, error, detail) of the reloads of one service, newest first."""
        entries = self.cluster.get(f"/v1/audit?action=config.reload&target={identity}")["audit"]
        return [(entry["actor"], entry["error"] != "", entry["detail"]) for entry in entries]

    def test_the_audit_names_what_has_changed_and_what_was_not_taken(self):
        for kind in ("slave", "master", "gateway"):
            with self.subTest(kind=kind):
                identity = f"audited-{kind}"
                service = self.start(kind, identity, run={"watch_config": "no"})
                service.reload()  # nothing has changed: nothing is told
                service.reload({"log": {"level": "debug"}})
                service.write_text("nonsense\n")
                service.reload()
                wait_until(lambda: len(self.audited(identity)) == 2, 15, f"two entries of {identity}")
                self.assertEqual([("SIGHUP", True, ""), ("SIGHUP", False, "changed=log.level")],
                                 self.audited(identity))

    def test_a_gateway_takes_limits_over(self):
        gateway = self.start("gateway", "gateway-reloaded", run={"watch_config": "no"})
        said = gateway.reload({"slots": {"in_flight_max": 5}, "http": {"connections_max": 11}})
        self.assertIn("setting=http.connections_max changed, which takes a restart", said)
        self.assertIn("changed=1 configuration is reloaded", said)
        gateway.write_text("[http]\nlisten =\n")
        self.assertIn("not reloaded", gateway.reload())
        self.assertEqual(0, gateway.metrics()["mas4h_config_last_reload_successful"])


if __name__ == "__main__":
    unittest.main()
