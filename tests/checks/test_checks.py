"""The checks in scripts/ see what they are there for: each bad tree is refused, with the line."""
import json
import pathlib
import stat
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


class Tree:
    """A temporary source tree; a good one to begin with."""

    def __init__(self, case):
        folder = tempfile.TemporaryDirectory(prefix="m4h-tree-")
        case.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.write("lib/base/error.h", "#include <stdint.h>\n")
        self.write("lib/net/loop.c", '#include "lib/base/error.h"\n#include <uv.h>\n')
        self.write("services/slave/core/ports.c",
                   '#include "services/slave/core/ports.h"\n#include "lib/base/error.h"\n')
        self.write("services/slave/io/worker.c", '#include "lib/net/loop.h"\n#include <pthread.h>\n')

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, script, *before):
        return subprocess.run(["/usr/bin/python3", SCRIPTS / script, *before, self.path],
                              capture_output=True, text=True, check=False)


class LayersAreKept(unittest.TestCase):
    """Each case is a file of its own in one tree, which is judged at the end of the test."""

    def setUp(self):
        self.tree = Tree(self)
        self.count = 0
        self.refused = set()

    def put(self, name, include):
        self.count += 1
        path = pathlib.PurePath(name)
        path = path.with_name(f"{path.stem}-{self.count}{path.suffix}")
        self.tree.write(path, f"/* head */\n{include}\n")
        return f"{path}:2: #include {include.partition('include')[2].strip()}: "

    def assert_refused(self, name, include):
        self.refused.add(self.put(name, include))

    def assert_allowed(self, name, include):
        self.put(name, include)

    def tearDown(self):
        ran = self.tree.check("check-layers.py")
        self.assertEqual(ran.returncode, 1 if self.refused else 0, ran.stdout + ran.stderr)
        found = set(ran.stdout.splitlines()) if self.refused else set()
        for expected in self.refused:
            lines = {line for line in found if line.startswith(expected)}
            self.assertEqual(len(lines), 1, f"not refused: {expected}")
            found -= lines
        self.assertEqual(found, set(), "refused, though allowed")

    def test_a_good_tree_is_let_through(self):
        self.assertEqual(self.refused, set())

    def test_an_outside_library_stays_in_its_folder(self):
        folders = {
            "<uv.h>": "net", "<libssh/libssh.h>": "ssh", "<libssh/server.h>": "ssh",
            "<nats/nats.h>": "bus", "<protobuf-c/protobuf-c.h>": "wire", "<microhttpd.h>": "http",
            "<wslay/wslay.h>": "http", "<openssl/evp.h>": "crypto", "<jansson.h>": "json",
            "<ini.h>": "config", "<systemd/sd-daemon.h>": "net", "<curl/curl.h>": "fetch",
            '"mas4h/v1/event.pb-c.h"': "wire", "<mas4h/v1/event.pb-c.h>": "wire",
        }
        for header, home in folders.items():
            self.assert_allowed(f"lib/{home}/x.c", f"#include {header}")
            for folder in {"base", "net", "ssh", "bus", "wire", "http", "json", "config"} - {home}:
                self.assert_refused(f"lib/{folder}/x.h", f"#include {header}")
            self.assert_refused("services/slave/io/x.c", f"#include {header}")
            self.assert_refused("services/slave/core/x.c", f"#include {header}")
            self.assert_refused("services/slave/main.c", f"#include {header}")

    def test_a_library_without_a_folder_is_refused_everywhere(self):
        for header in ("<sqlite3.h>", "<zlib.h>"):
            for name in ("lib/net/x.c", "lib/base/x.c", "services/master/io/x.c"):
                self.assert_refused(name, f"#include {header}")

    def test_a_core_has_no_socket_no_clock_and_no_thread(self):
        for header in ("sys/socket.h", "sys/time.h", "time.h", "pthread.h", "unistd.h", "poll.h",
                       "stdatomic.h", "signal.h", "fcntl.h", "netinet/in.h"):
            self.assert_refused("services/slave/core/x.c", f"#include <{header}>")
            self.assert_allowed("services/slave/io/x.c", f"#include <{header}>")

    def test_a_core_rests_on_base_and_plain_headers(self):
        for header in ("<stdint.h>", "<string.h>", "<assert.h>", "<uthash.h>",
                       '"lib/base/model.h"', '"services/slave/core/roster.h"'):
            self.assert_allowed("services/slave/core/x.c", f"#include {header}")
        for header in ("lib/net/loop.h", "lib/wire/wire.h", "lib/bus/bus.h", "lib/config/config.h",
                       "services/slave/config.h", "services/slave/io/hub.h",
                       "services/master/core/fold.h"):
            self.assert_refused("services/slave/core/x.c", f'#include "{header}"')

    def test_a_service_includes_no_other(self):
        self.assert_refused("services/master/io/x.c", '#include "services/slave/core/roster.h"')
        self.assert_refused("services/gateway/main.c", '#include "services/master/master.h"')
        self.assert_allowed("services/gateway/main.c", '#include "services/gateway/gateway.h"')

    def test_lib_knows_no_service_and_no_test(self):
        self.assert_refused("lib/net/x.c", '#include "services/slave/config.h"')
        self.assert_refused("lib/net/x.c", '#include "tests/unit/net_stage.h"')

    def test_modules_include_those_below_only(self):
        for module, below in {
                "base": [], "config": ["base"], "wire": ["base"], "bus": ["base"],
                "net": ["base"], "json": ["base"], "ssh": ["base", "net"],
                "http": ["base", "net", "json"]}.items():
            for other in ("base", "config", "wire", "bus", "net", "json", "ssh", "http"):
                allowed = other == module or other in below
                judge = self.assert_allowed if allowed else self.assert_refused
                judge(f"lib/{module}/x.c", f'#include "lib/{other}/x.h"')

    def test_a_new_module_has_to_be_given_its_place(self):
        self.assert_refused("lib/util/x.c", '#include "lib/base/error.h"')

    def test_an_include_is_written_from_the_top(self):
        for header in ("loop.h", "../base/error.h", "lib/net/../base/error.h", "base/error.h"):
            self.assert_refused("lib/net/x.c", f'#include "{header}"')

    def test_an_include_that_hides_is_seen(self):
        self.assert_refused("lib/base/x.c", "#include HEADER")
        self.assert_refused("lib/base/x.c", "  #  include   <uv.h>")

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as empty:
            ran = subprocess.run(["/usr/bin/python3", SCRIPTS / "check-layers.py", empty],
                                 capture_output=True, check=False)
            self.assertEqual(ran.returncode, 1)


class CallsAreNotMade(unittest.TestCase):
    def check(self, text):
        tree = Tree(self)
        tree.write("lib/base/x.c", text)
        return tree.check("check-calls.py")

    def test_each_call_is_refused_with_its_line(self):
        for name in ("sprintf", "strcpy", "strcat", "strtok", "atoi", "alloca", "gets"):
            ran = self.check(f"void f(void)\n{{\n    {name} (x);\n}}\n")
            self.assertEqual(ran.returncode, 1, f"{name} was let through")
            self.assertIn(f"lib/base/x.c:3: {name}: ", ran.stdout)

    def test_what_only_looks_like_one_is_let_through(self):
        for text in ("snprintf(out, size, x);", "m4h_text_strcpy(x);", "fgets(line, 10, file);",
                     "/* sprintf(x) */", "// strcpy(x)", 'log("atoi(x)");', "int sprintf_count;",
                     "/* it's */ f('\"'); /* strcat(x) */"):
            ran = self.check(text + "\n")
            self.assertEqual(ran.returncode, 0, ran.stdout)


class SettingsAreShown(unittest.TestCase):
    PRINTED = "# A sample.\n\n[http]\n\n# Where.\n#listen = 1\n\n[log]\n\n# What.\n#level = info\n"

    def setUp(self):
        self.tree = Tree(self)
        for service, name in (("master", "mas4h-master"), ("slave", "mas4h-slave"),
                              ("gateway", "mas4h-gateway"), ("ctl", "mas4hctl")):
            program = self.tree.write(f"bin/{name}",
                                      f"#!/bin/sh\ncat <<'END'\n{self.PRINTED}END\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            self.tree.write(f"deploy/config/{service}.conf", self.PRINTED)
            self.tree.write(f"services/{service}/README.md", "`[http] listen`, `[log]\nlevel`.\n")

    def check(self):
        return self.tree.check("check-settings.py", self.tree.path / "bin")

    def test_shown_in_both_places_is_enough(self):
        ran = self.check()
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_an_old_sample_is_seen(self):
        self.tree.write("deploy/config/slave.conf", self.PRINTED.replace("info", "debug"))
        ran = self.check()
        self.assertEqual(ran.returncode, 1)
        self.assertIn("deploy/config/slave.conf: not what", ran.stdout)

    def test_a_missing_sample_is_seen(self):
        (self.tree.path / "deploy/config/master.conf").unlink()
        self.assertEqual(self.check().returncode, 1)

    def test_a_setting_that_the_readme_does_not_name_is_seen(self):
        # The key alone could be that of another section.
        self.tree.write("services/gateway/README.md", "`[http] listen` and a level.\n")
        ran = self.check()
        self.assertEqual(ran.returncode, 1)
        self.assertIn("services/gateway/README.md: does not name `[log] level`", ran.stdout)


class RoutesAreDescribed(unittest.TestCase):
    """check-openapi.py: the routes in the sources, and the operations in the document."""

    ROUTES = ('static const struct m4h_http_route routes[] = {\n'
              '    {"GET", "/v1/cluster", get_cluster, false, M4H_GATEWAY_SCOPE_READ},\n'
              '    {"GET", "/healthz", on_healthz, true, 0},\n'
              '};\n')

    def setUp(self):
        self.tree = Tree(self)
        self.tree.write("services/gateway/io/status.c", self.ROUTES)
        self.document = {"security": [{"bearer": []}], "paths": {
            "/v1/cluster": {"get": {"security": [{"bearer": ["read"]}, {}]}}, "/healthz": {"get": {"security": []}}}}

    def findings(self):
        self.tree.write("services/gateway/openapi/openapi.json", json.dumps(self.document))
        return self.tree.check("check-openapi.py").stdout

    def test_a_document_with_every_route_passes(self):
        self.assertEqual(self.findings(), "")

    def test_a_route_that_is_not_described_is_seen(self):
        del self.document["paths"]["/healthz"]
        self.assertIn("it lacks GET /healthz", self.findings())

    def test_an_operation_that_nobody_serves_is_seen(self):
        self.document["paths"]["/v1/cluster"]["delete"] = {}
        self.assertIn("nobody serves DELETE /v1/cluster", self.findings())

    def test_another_scope_is_seen(self):
        self.document["paths"]["/v1/cluster"]["get"]["security"] = [{"bearer": ["operate"]}]
        self.assertIn("GET /v1/cluster needs the scope read, and it says operate", self.findings())

    def test_a_tree_without_routes_is_seen(self):
        self.tree.write("services/gateway/io/status.c", "")
        self.assertIn("no routes were found", self.findings())


class MetricsAreThoseOfTheDocument(unittest.TestCase):
    METRICS = "".join(f"| `thing_{chr(97 + i // 26)}{chr(97 + i % 26)}_total` | |\n" for i in range(60))
    DOCUMENT = f"""## Metrics
All: `process_open_fds`, and `mas4h_lag_seconds{{loop}}`.
| slave, `mas4h_slave_…` | |
|---|---|
| `tunnels`, `refusals_total{{reason}}` | |
{METRICS}
## After
"""
    RULES = """groups:
  - name: one
    rules:
      - alert: Full
        expr: sum by (reason) (rate(mas4h_slave_refusals_total{reason="full"}[5m])) > 0
"""
    TEST = 'exp_samples: [{labels: \'{alertname="Full"}\', value: 1}]'

    def refusals(self, expression, rules=RULES, test=TEST):
        tree = Tree(self)
        tree.write("docs/OPERATIONS.md", self.DOCUMENT)
        tree.write("deploy/prometheus/alerts.yml", rules)
        tree.write("deploy/prometheus/alerts_test.yml", test)
        tree.write("deploy/prometheus/grafana-dashboard.json",
                   json.dumps({"panels": [{"targets": [{"expr": expression}]}]}))
        return tree.check("check-metrics.py").stdout

    def test_good_ones_pass(self):
        for expression in ("mas4h_slave_tunnels", 'rate(mas4h_slave_refusals_total{reason!="x",job=~"y"}[1m])',
                           "sum by (le, loop) (rate(mas4h_lag_seconds_bucket[1m]))", "process_open_fds"):
            self.assertEqual("", self.refusals(expression), expression)

    def test_a_name_that_is_none_is_refused(self):
        for expression in ("mas4h_slave_tunnel", "mas4h_slave_tunnels_bucket", "mas4h_master_tunnels"):
            self.assertIn("no service has", self.refusals(expression), expression)
        self.assertIn("no service has", self.refusals("process_open_fds", self.RULES.replace("refusals", "refused")))

    def test_a_label_that_is_none_is_refused(self):
        self.assertIn("has no label why", self.refusals('mas4h_slave_refusals_total{why="x"}'))
        self.assertIn("has the label reason", self.refusals("sum by (reason) (mas4h_slave_tunnels)"))

    def test_a_rule_without_a_test_is_refused(self):
        self.assertIn("no test fires Full", self.refusals("process_open_fds", test="tests: []"))


if __name__ == "__main__":
    unittest.main()
