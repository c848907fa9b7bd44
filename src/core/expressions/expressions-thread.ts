import { createLanguage, type ExpressionLanguage, type ExpressionVariables } from "./language.ts";

/** An expression to evaluate, as a thread of its own is asked for it. */
export interface ExpressionTask {
  readonly variables: ExpressionVariables;
  readonly source: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const languages = new Map<string, ExpressionLanguage>();

/** Answers an {@link ExpressionTask} with the value. Nothing here watches over its time: the thread is ended where it takes too long. */
export function work(task: unknown): unknown {
  const { variables, source, values } = task as ExpressionTask;
  const key = JSON.stringify(variables);
  const language = languages.get(key) ?? createLanguage(variables);
  languages.set(key, language);
  return language.parse(source).evaluate(values);
}
