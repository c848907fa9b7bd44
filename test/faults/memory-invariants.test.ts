import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { allTexts, memoryViolations } from "./memory-invariants.ts";

/** A store in order: two facts are remembered by two calls, a third was forgotten, and a node gave the two. */
function store(): Database.Database {
  const db = new Database(":memory:");
  db.exec(`
    create table memory_record (id, space, digest, text, superseded_by_id);
    create table memory_space (num, records);
    create table runs_tool_call (id, name, status, arguments, result);
    create table runs_run (id, target_id, target_version);
    create table runs_step (run_id, num, key, kind, node_key, status, output);
    create table workflows_version (workflow_id, version, definition);
    insert into memory_space values (1, 3);
    insert into memory_record values ('a', 1, 'd1', 'A.', null), ('b', 1, 'd2', 'B.', null), ('a0', 1, 'd1', 'a', 'a');
    insert into runs_tool_call values
      ('c1', 'memory.remember', 'SUCCESS', '{}', '{"id": "a"}'), ('c2', 'memory.remember', 'SUCCESS', '{}', '{"id": "b"}'),
      ('c3', 'memory.remember', 'SUCCESS', '{}', '{"id": "c"}'), ('c4', 'memory.forget', 'SUCCESS', '{"id": "c"}', '{"forgotten": "c"}');
    insert into runs_run values ('r', 'w', 1);
    insert into runs_step values
      ('r', 1, 'memory/seen', 'MEMORY', null, 'SUCCEEDED', '[{"text": "A."}, {"text": "B."}]'),
      ('r', 2, 'seen', 'NODE', 'seen', 'SUCCEEDED', '["A.","B."]')`);
  const definition = { nodes: [{ key: "seen", config: { expression: allTexts } }] };
  db.prepare("insert into workflows_version values ('w', 1, ?)").run(JSON.stringify(definition));
  return db;
}

it("nothing is wrong with a memory whose facts are kept once, and with expressions that saw what the log says", () => {
  expect(memoryViolations(store())).toEqual([]);
  expect(memoryViolations(new Database(":memory:"))).toEqual([]);
});

it.each([
  ["a fact that is kept twice", "update memory_record set superseded_by_id = null where id = 'a0'", '"A." is remembered 2 times'],
  ["one that is lost", "delete from memory_record where id = 'b'; update memory_space set records = 2", "b, which c2 remembers, is lost"],
  [
    "one that comes back",
    "insert into memory_record values ('c', 1, 'd3', 'C.', null); update memory_space set records = 4",
    "c was forgotten and is still remembered",
  ],
  ["a space that is counted wrong", "update memory_space set records = 9", "space 1 counts 9 records, and has 3"],
  [
    "a memory that is read again",
    `insert into runs_step select run_id, num, key, kind, node_key, status, output from runs_step where kind = 'MEMORY'`,
    "run r: memory/seen was read 2 times",
  ],
  ["one that is read too late", "update runs_step set num = 3 where kind = 'MEMORY'", "run r: memory/seen was read after its node began"],
  [
    "a node that gave something else",
    `update runs_step set output = '["A."]' where kind = 'NODE'`,
    'run r: seen gave ["A."], and its log says ["A.","B."]',
  ],
])("%s is found", (_, change, violation) => {
  const db = store();
  db.exec(change);
  expect(new Set(memoryViolations(db))).toEqual(new Set([violation]));
});
