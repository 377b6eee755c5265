import assert from "node:assert/strict";
import { test } from "node:test";
import { contentsPath } from "../src/lib/contents";

const FILE = "/users/ada/study/p/experiments/a-b/runs/0001/commands/stop-1.json";

test("a file below the server's root is reachable", () => {
  assert.equal(contentsPath(FILE, "/users/ada/study", "/users/ada"), "p/experiments/a-b/runs/0001/commands/stop-1.json");
  assert.equal(contentsPath(FILE, "~/study", "/users/ada"), "p/experiments/a-b/runs/0001/commands/stop-1.json");
  assert.equal(contentsPath(FILE, "~", "/users/ada"), "study/p/experiments/a-b/runs/0001/commands/stop-1.json");
  assert.equal(contentsPath("C:\\w\\p\\stop.json", "C:\\w\\", "C:\\Users\\ada"), "p/stop.json");
});

test("outside the root, beside it, or hidden, it is not", () => {
  assert.equal(contentsPath(FILE, "/users/ada/wor", "/users/ada"), null);
  assert.equal(contentsPath(FILE, "/srv", "/users/ada"), null);
  assert.equal(contentsPath("/users/ada/.cache/p/stop.json", "/users/ada", "/users/ada"), null);
  assert.equal(contentsPath("", "/users/ada", "/users/ada"), null);
});
