#!/usr/bin/env python3
"""Checks that alert rules, their tests and the Grafana dashboard name only metrics and labels that
docs/OPERATIONS.md has, and that each rule has a test. tests/integration/test_metrics.py holds that document
against the services.

usage: check-metrics.py FOLDER [--list]      --list: what is documented, with the labels, and no check
"""

import json
import re
import sys
from pathlib import Path

CODE = re.compile(r"`([a-z0-9_]+)(?:\{([a-z_,]+)\})?`")
# Of a selector: the metric, and the matchers in braces; also labels in "by (...)".
SELECTOR = re.compile(r"\b((?:mas4h|process)_[a-z0-9_]+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
# What Prometheus itself adds, and what functions make.
OF_PROMETHEUS = {"job", "instance", "le", "alertname", "alertstate"}
# Of histograms, all of which are of seconds.
PARTS = ("_bucket", "_sum", "_count")
SERVICES = ("slave", "master", "gateway")


def documented(root):
    """{metric: labels}: of the tables, their first column; of the text before, whole names."""
    text = (root / "docs" / "OPERATIONS.md").read_text()
    section = re.search(r"^## Metrics\n(.*?)^## ", text, re.M | re.S).group(1)
    found, prefix = {}, None
    for line in section.splitlines():
        heading = re.match(r"\| (\w+), `(mas4h_\w+_)…`", line)
        if heading:
            prefix = heading.group(2)
        elif line.startswith("| `"):
            for name, labels in CODE.findall(line.split(" | ")[0].removesuffix(" |")):
                found[prefix + name] = set(filter(None, labels.split(",")))
        else:
            for name, labels in CODE.findall(line):
                if name.startswith(("mas4h_", "process_")) and not name.startswith("mas4h_SERVICE"):
                    found.setdefault(name, set()).update(filter(None, labels.split(",")))
    return found


def faults_of(expression, known):
    """What is wrong with the names in one expression of PromQL."""
    labels = set(OF_PROMETHEUS)
    for name, matchers in SELECTOR.findall(expression):
        family = next((name.removesuffix(part) for part in PARTS
                       if name.endswith("_seconds" + part) and name.removesuffix(part) in known), name)
        if family not in known:
            yield f"no service has {name}"
            continue
        labels |= known[family]
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in known[family] | OF_PROMETHEUS:
                yield f"{name} has no label {label}"
    for group in GROUPING.findall(expression):
        for label in filter(None, re.split(r"[,\s]+", group)):
            if label not in labels:
                yield f"no metric in this expression has the label {label}: {expression.strip()[:200]}"


def expressions_of_dashboard(document):
    """All expressions of a dashboard, wherever they are in it."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions_of_dashboard(value)
    elif isinstance(document, list):
        for value in document:
            yield from expressions_of_dashboard(value)


def main():
    root = Path(sys.argv[1])
    known = documented(root)
    if "--list" in sys.argv:
        for name, labels in sorted(known.items()):
            print(name, ",".join(sorted(labels)))
        return
    folder = root / "deploy" / "prometheus"
    dashboard = json.loads((folder / "grafana-dashboard.json").read_text())
    checked = {"grafana-dashboard.json": list(expressions_of_dashboard(dashboard))}
    for name in ("alerts.yml", "alerts_test.yml"):
        text = re.sub(r"#.*", "", (folder / name).read_text())
        checked[name] = re.split(r"^\s*(?:- )?(?:expr|series|alert|annotations):", text, flags=re.M)
    faults = [f"deploy/prometheus/{name}: {fault}" for name, expressions in checked.items()
              for expression in expressions for fault in faults_of(expression, known)]
    rules = set(re.findall(r"alert: (\w+)", (folder / "alerts.yml").read_text()))
    tests = (folder / "alerts_test.yml").read_text()
    faults += [f"deploy/prometheus/alerts_test.yml: no test fires {rule}" for rule in sorted(rules)
               if f'{{alertname="{rule}"}}' not in tests and f"alertname: {rule}\n" not in tests]
    if not checked["grafana-dashboard.json"] or len(known) < 50:
        faults.append("nothing was found to check")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
