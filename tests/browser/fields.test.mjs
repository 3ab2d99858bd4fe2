// What people type of devices and operators, and what REST's documents say of them.
import assert from "node:assert/strict";
import { test } from "node:test";

const { labelsOf, labelsText, portsOf, portsText, rulesOf, rulesText, subjectOf } =
    await import(`${process.env.M4H_WEB}/fields.js`);

test("labels are read as they are shown, with any spaces", () => {
    assert.deepEqual(labelsOf(" site=berlin ,floor = 2,, empty="), { site: "berlin", floor: "2", empty: "" });
    assert.deepEqual(labelsOf(""), {});
    assert.equal(labelsText({ site: "berlin", floor: "2" }), "site=berlin, floor=2");
    assert.deepEqual(labelsOf(labelsText({ a: "1", b: "x=y" })), { a: "1", b: "x=y" });
    assert.equal(labelsText(undefined), "");
});

test("what is no label is said, not dropped", () => {
    assert.throws(() => labelsOf("site"), /“site” is no label/);
    assert.throws(() => labelsOf("=berlin"), /is no label/);
});

test("ports are numbers and ranges", () => {
    assert.deepEqual(portsOf("22, 8000-8010"), [22, "8000-8010"]);
    assert.equal(portsText([22, "8000-8010"]), "22, 8000-8010");
    for (const wrong of ["ssh", "22-", "-22", "1.5", "100000"]) assert.throws(() => portsOf(wrong), /is no port/);
});

test("a rule is a line, and stays what it was when it is shown and read again", () => {
    const rules = [{ devices: "berlin-*", labels: { site: "berlin", floor: "2" }, ports: [22, "80-90"] }, { devices: "*" }];
    assert.equal(rulesText(rules), "berlin-* site=berlin,floor=2 22,80-90\n*");
    assert.deepEqual(rulesOf(rulesText(rules)), rules);
    assert.deepEqual(rulesOf(" \n door-7   22 \n"), [{ devices: "door-7", ports: [22] }]);
    assert.throws(() => rulesOf("door-7 oops"), /“oops” is no port/);
});

test("a fingerprint is a key, any other name a device", () => {
    assert.deepEqual(subjectOf("SHA256:abc"), { key_fingerprint: "SHA256:abc" });
    assert.deepEqual(subjectOf("door-7"), { client_key: "door-7" });
});
