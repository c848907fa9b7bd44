import { afterEach, expect, it, vi } from "vitest";
import type { ProgramContext } from "#weftline";
import { Progress } from "../../../../src/plugins/workflows/execution/progress.ts";

afterEach(() => void vi.useRealTimers());

it("progress that is due when its turn was stopped is left out: nothing is thrown that nobody catches", () => {
  vi.useFakeTimers();
  const say = vi.fn<ProgramContext["say"]>(() => {
    throw new Error("The server is shutting down.");
  });
  const progress = new Progress({ say, log: { debug: () => undefined } } as unknown as ProgramContext, () => ({ done: 1, total: 2 }));
  progress.note();
  expect(() => vi.runAllTimers()).not.toThrow();
  expect(say).toHaveBeenCalledOnce();
});
