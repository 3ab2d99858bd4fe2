// The dashboard's numbers, times and commands, as people read them.
import assert from "node:assert/strict";
import { test } from "node:test";

const { address, age, bytes, count, counted, jumpCommand, percent, rate, sshCommand, words } =
    await import(`${process.env.M4H_WEB}/format.js`);
const plain = (text) => text.replaceAll("\u00a0", " ");

test("a share never reads as nothing where there is some, nor as all where some is free", () => {
    const cases = [[0, 100, "0 %"], [1, 28500, "< 0.1 %"], [3, 100, "3 %"], [33, 1000, "3.3 %"],
        [715, 1000, "71.5 %"], [9999, 10000, "> 99.9 %"], [100, 100, "100 %"], [0, 0, "–"]];
    for (const [part, whole, text] of cases) assert.equal(plain(percent(part, whole)), text);
});

test("a time that passed has two units at most, and is never negative", () => {
    const cases = [[-5000, "0 s"], [999, "0 s"], [59999, "59 s"], [60000, "1 min"], [3599000, "59 min"],
        [3900000, "1 h 05 min"], [86400000, "1 d 0 h"], [1e11, "1,157 d 9 h"]];
    for (const [ms, text] of cases) assert.equal(plain(age(ms)), text);
});

test("bytes have three digits at most", () => {
    const cases = [[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [9940, "9.9 kB"], [12345, "12 kB"],
        [999600, "1.0 MB"], [5e15, "5.0 PB"], [5e18, "5000 PB"]];
    for (const [number, text] of cases) assert.equal(plain(bytes(number)), text);
    assert.equal(plain(rate(1500)), "1.5 kB/s");
});

test("an IPv6 address keeps its port apart", () => {
    assert.equal(address("2001:db8::1", 22), "[2001:db8::1]:22");
    assert.equal(address("bounce.example.org", 22), "bounce.example.org:22");
    assert.equal(sshCommand("2001:db8::1", 20001), "ssh -p 20001 user@2001:db8::1");
});

test("a device is reached by its name, also where ssh would write that in lower case", () => {
    assert.equal(jumpCommand("slave-1.example", 22, "door-7"), "ssh -J ops@slave-1.example user@door-7");
    assert.equal(jumpCommand("2001:db8::1", 2222, "door-7"), "ssh -J ops@[2001:db8::1]:2222 user@door-7");
    assert.equal(jumpCommand("slave-1.example", 2222, "Door-7"),
        "ssh -o ProxyCommand='ssh -p 2222 -W Door-7:22 ops@slave-1.example' user@Door-7");
    for (const strange of ["", "-oProxyCommand=x", "a b", "a'b", "$(x)", "<img>"])
        assert.equal(jumpCommand("slave-1.example", 22, strange), "");
});

test("one is one, and others are many", () => {
    assert.equal(counted(1, "slave"), "1 slave");
    assert.equal(counted(0, "slave"), "0 slaves");
    assert.equal(count(1000000), "1,000,000");
    assert.equal(words("keepalive_timeout"), "keepalive timeout");
});
