import "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../src/curves/cursor";
import { logTicks, roundTicks, tickLabel } from "../src/curves/ticks";

test("ticks are round, few and inside", () => {
  assert.deepEqual(roundTicks(0, 1, 4), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(roundTicks(0.13, 0.91, 4), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(roundTicks(0, 1797, 5), [0, 500, 1000, 1500]);
  assert.deepEqual(roundTicks(Number.NaN, 1, 5), []);
  assert.deepEqual(roundTicks(2, 2, 5), [2]);
});

test("logarithmic ticks are powers of ten, or finer within one", () => {
  assert.deepEqual(logTicks(0.0009, 1.2, 4), [0.001, 0.01, 0.1, 1]);
  assert.deepEqual(logTicks(1.5, 9, 4), [2, 5]);
  assert.deepEqual(logTicks(-1, 9, 4), []);
});

test("ticks are labelled in few letters", () => {
  const cases: [number, string][] = [[0, "0"], [0.00075, "7.5e-4"], [0.25, "0.25"], [1500, "1500"], [25000, "25k"], [2.5e6, "2.5M"]];
  for (const [value, label] of cases) assert.equal(tickLabel(value, false), label);
  assert.equal(tickLabel(0.975, true), "97.5\u202f%");
});

test("the cursor reads the nearest known value", () => {
  assert.equal(nearest({ x: [0, 10, 20], y: [1, 2, 3] }, 12), 2);
  assert.equal(nearest({ x: [0, 10, 20], y: [1, Number.NaN, 3] }, 11), 3);
  assert.equal(nearest({ x: [], y: [] }, 1), null);
});
