import Database from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { functionWords, qualityCases } from "./quality-set.ts";

const database = new Database(":memory:");
database.exec("create virtual table text using fts5(body, tokenize = 'porter unicode61 remove_diacritics 2')");
database.exec("create virtual table word using fts5vocab(text, row)");

afterAll(() => database.close());

/** The stems of a text, as a search by keywords sees them. */
function stems(text: string): Set<string> {
  database.exec("delete from text");
  database.prepare("insert into text values (?)").run(text);
  return new Set(database.prepare("select term from word").pluck().all() as string[]);
}

const empty = new Set([...functionWords].flatMap((word) => [...stems(word)]));

function contentStems(text: string): Set<string> {
  return stems(text).difference(empty);
}

describe("the set by which search is measured", () => {
  it("has at least 100 questions, and twice as many records, none of them twice", () => {
    expect(qualityCases.length).toBeGreaterThanOrEqual(100);
    expect(new Set(qualityCases.flatMap(({ record, distractor }) => [record, distractor])).size).toBe(qualityCases.length * 2);
    expect(new Set(qualityCases.map(({ query }) => query)).size).toBe(qualityCases.length);
  });

  it("shares no content word between a question and the record that answers it, by their stems", () => {
    const shared = qualityCases.flatMap(({ query, record }) => [...contentStems(query).intersection(contentStems(record))]);
    expect(shared).toEqual([]);
  });

  it("has a distractor near each record: they share a content word, or who they are about", () => {
    const pronouns = new Set(["he", "she", "they", "we", "his", "her"]);
    const words = (text: string) => new Set(text.toLowerCase().match(/\p{L}+/gu) ?? []);
    const far = qualityCases.filter(({ record, distractor }) => {
      const near = contentStems(record).intersection(contentStems(distractor)).size;
      const about = words(record).intersection(words(distractor)).intersection(pronouns).size;
      return near + about === 0;
    });
    expect(far).toEqual([]);
  });

  it("asks with words that say something", () => {
    expect(qualityCases.filter(({ query }) => contentStems(query).size === 0)).toEqual([]);
  });
});
