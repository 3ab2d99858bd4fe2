// What the dashboard's charts hold.
import assert from "node:assert/strict";
import { test } from "node:test";

const { Counts, Samples, niceCeiling, windowSince } = await import(`${process.env.M4H_WEB}/history.js`);

test("a steady number takes two points, however long it is watched", () => {
    const samples = new Samples(1000000);
    for (let time = 0; time < 1000; time += 2) samples.add(time, 7);
    assert.deepEqual(samples.points, [{ time: 0, value: 7 }, { time: 998, value: 7 }]);
    samples.add(1000, 8);
    assert.deepEqual(samples.range(), { low: 7, high: 8 });
});

test("samples before the window go, but the one that reaches into it stays", () => {
    const samples = new Samples(100);
    for (const [time, value] of [[0, 1], [50, 2], [120, 3], [190, 4]]) samples.add(time, value);
    assert.deepEqual(samples.points.map(({ value }) => value), [2, 3, 4]);
});

test("counts are kept by span and kind, and bounded by the window", () => {
    const counts = new Counts(10, 100);
    counts.add(1, "connect");
    counts.add(9, "connect");
    counts.add(11, "disconnect");
    assert.equal(counts.highest("connect"), 2);
    assert.equal(counts.highest("disconnect"), 1);
    assert.equal(counts.total("connect"), 2);
    counts.add(500, "connect");
    assert.equal(counts.spans.size, 1);
    assert.equal(counts.total("disconnect"), 0);
});

test("an axis ends at 1, 2 or 5 times a power of ten", () => {
    for (const [value, end] of [[0, 1], [1, 1], [3, 5], [7, 10], [10, 10], [11, 20], [501, 1000]])
        assert.equal(niceCeiling(value), end);
});

test("charts show minutes at first, and a quarter of an hour at last", () => {
    assert.equal(windowSince(0, 1000), 120000);
    assert.equal(windowSince(0, 300000), 300000);
    assert.equal(windowSince(0, 3600000), 900000);
});
