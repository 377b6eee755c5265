import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, duration, grouped, measured, metricValue, percent, typed } from "../src/lib/format";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

test("durations are read aloud", () => {
  const cases: [number | null, string][] = [[null, "–"], [0.4, "0 s"], [59, "59 s"], [75, "1 min 15 s"], [120, "2 min"], [750, "13 min"], [7500, "2 h 5 min"], [7200, "2 h"]];
  for (const [seconds, said] of cases) assert.equal(duration(seconds), said);
});

test("numbers are shown as a person would type them", () => {
  const cases: [unknown, string][] = [[0.0003, "3e-4"], [0.05, "0.05"], [64, "64"], [0, "0"], [[0.9, 0.999], "0.9, 0.999"], [1e-8, "1e-8"], [null, ""], ["auto", "auto"]];
  for (const [value, said] of cases) assert.equal(typed(value), said);
});

test("measured numbers have few digits", () => {
  assert.equal(measured(0.12345), "0.123");
  assert.equal(plain(measured(12345.6)), "12 346");
  assert.equal(measured(0.00012), "1.2e-4");
  assert.equal(measured(Number.NaN), "–");
});

test("shares are percent, other metrics are not", () => {
  assert.equal(plain(metricValue("accuracy", 0.9561)), "95.6 %");
  assert.equal(metricValue("loss", 0.1234), "0.123");
  assert.equal(percent(null), "–");
});

test("counts agree with their noun", () => {
  assert.equal(counted(1, "class", "classes"), "1 class");
  assert.equal(plain(counted(1797, "image")), "1 797 images");
  assert.equal(grouped(999), "999");
});
