import type Database from "better-sqlite3";
import type { WorkflowDefinition } from "../../src/plugins/workflows/definition/types.ts";

/** What is wrong with what is remembered, in words: facts kept twice or lost, expressions that saw something else than the log says. */
export function memoryViolations(db: Database.Database): string[] {
  if (!db.prepare("select 1 from sqlite_master where name = 'memory_record'").get()) return [];
  return [...rememberedTwice(db), ...lost(db), ...miscounted(db), ...readTwice(db), ...seenOtherwise(db)];
}

function rememberedTwice(db: Database.Database): string[] {
  const rows = db
    .prepare(
      "select min(text) as text, count(*) as n from memory_record where superseded_by_id is null group by space, digest having count(*) > 1",
    )
    .all() as { text: string; n: number }[];
  return rows.map(({ text, n }) => `"${text}" is remembered ${n} times`);
}

/** What a call was told to have been remembered is there, until another call was told that it is forgotten; and then it is not. */
function lost(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select k.id as call, json_extract(k.result, '$.id') as id,
       exists (select 1 from memory_record r where r.id = json_extract(k.result, '$.id')) as kept,
       exists (select 1 from runs_tool_call f where f.name = 'memory.forget' and f.status = 'SUCCESS'
       and json_extract(f.result, '$.forgotten') = json_extract(k.result, '$.id')) as forgotten,
       exists (select 1 from runs_tool_call f where f.name = 'memory.forget' and f.status <> 'SUCCESS'
       and json_extract(f.arguments, '$.id') = json_extract(k.result, '$.id')) as mayBeForgotten
       from runs_tool_call k where k.name = 'memory.remember' and k.status = 'SUCCESS'`,
    )
    .all() as { call: string; id: string; kept: number; forgotten: number; mayBeForgotten: number }[];
  return rows.flatMap(({ call, id, kept, forgotten, mayBeForgotten }) => {
    if (kept === 1 && forgotten === 1) return [`${id} was forgotten and is still remembered`];
    return kept + forgotten + mayBeForgotten === 0 ? [`${id}, which ${call} remembers, is lost`] : [];
  });
}

function miscounted(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select s.num, s.records, (select count(*) from memory_record r where r.space = s.num) as found from memory_space s
       where records <> (select count(*) from memory_record r where r.space = s.num)`,
    )
    .all() as { num: number; records: number; found: number }[];
  return rows.map(({ num, records, found }) => `space ${num} counts ${records} records, and has ${found}`);
}

/** What a unit sees of the memory is read once, before the unit ends. */
function readTwice(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select m.run_id, m.key, count(*) as n, max(m.num) as read,
       (select min(s.num) from runs_step s where s.run_id = m.run_id and s.node_key is not null and 'memory/' || s.key = m.key) as began
       from runs_step m where m.kind = 'MEMORY' and m.key like 'memory/%' and m.key <> 'memory/recall' and m.status = 'SUCCEEDED'
       group by m.run_id, m.key`,
    )
    .all() as { run_id: string; key: string; n: number; read: number; began: number | null }[];
  return rows.flatMap(({ run_id, key, n, read, began }) => {
    if (n > 1) return [`run ${run_id}: ${key} was read ${n} times`];
    return began !== null && read > began ? [`run ${run_id}: ${key} was read after its node began`] : [];
  });
}

/** A node that gives what is remembered gives what its step of the memory says. */
function seenOtherwise(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select n.run_id, n.key, n.output, m.output as memory, v.definition from runs_step n join runs_run r on r.id = n.run_id
       join workflows_version v on v.workflow_id = r.target_id and v.version = r.target_version
       left join runs_step m on m.run_id = n.run_id and m.kind = 'MEMORY' and m.key = 'memory/' || n.key and m.status = 'SUCCEEDED'
       where n.node_key = n.key and n.status = 'SUCCEEDED'`,
    )
    .all() as { run_id: string; key: string; output: string; memory: string | null; definition: string }[];
  return rows.flatMap(({ run_id, key, output, memory, definition }) => {
    const { nodes } = JSON.parse(definition) as WorkflowDefinition;
    if (nodes.find((node) => node.key === key)?.config["expression"] !== allTexts) return [];
    const texts = (JSON.parse(memory ?? "null") as { text: string }[] | null)?.map(({ text }) => text);
    return JSON.stringify(texts) === output ? [] : [`run ${run_id}: ${key} gave ${output}, and its log says ${JSON.stringify(texts)}`];
  });
}

/** An expression of all that is remembered. */
export const allTexts = "memory.map(m, m.text)";
