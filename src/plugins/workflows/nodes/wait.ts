import { z } from "zod";
import { WeftlineError, isBlank, isLonger } from "#weftline";
import { defineNodeKind } from "../contract.ts";
import { durationMs, maxDurationMs, momentMs } from "../definition/durations.ts";
import { textOf } from "../definition/templates.ts";

const waits = ["duration", "until", "signal"] as const;
const isTemplate = (value: unknown): boolean => typeof value === "string" && value.includes("{{");

/** The longest name of a signal, in characters, as `signalRun` takes it. */
const maxSignal = 100;

function signalProblem(signal: unknown): string | undefined {
  const isName = typeof signal === "string" && !isBlank(signal) && !isLonger(signal, maxSignal);
  return isName ? undefined : `A signal's name has 1 to ${maxSignal} characters.`;
}

/** What is wrong with how long a wait is, or nothing. */
function durationProblem(duration: unknown): string | undefined {
  const ms = durationMs(duration);
  if (ms === undefined) return "A duration is written as in PT30S or P1D.";
  return ms > maxDurationMs ? "A wait is at most a year long." : undefined;
}

function untilProblem(until: unknown): string | undefined {
  const ms = momentMs(until);
  if (ms === undefined) return "A moment is written with its offset, as in 2026-01-31T12:00:00Z.";
  return ms > Date.now() + maxDurationMs ? "A wait is at most a year long." : undefined;
}

const config = z
  .strictObject({
    duration: z.union([z.string(), z.number()]).optional(),
    until: z.string().optional(),
    signal: z.string().optional(),
  })
  .superRefine((given, ctx) => {
    if (waits.filter((name) => given[name] !== undefined).length !== 1) ctx.addIssue(`A wait has exactly one of ${waits.join(", ")}.`);
    const problems = { duration: durationProblem, until: untilProblem, signal: signalProblem };
    for (const [name, problemOf] of Object.entries(problems) as [(typeof waits)[number], typeof untilProblem][]) {
      const problem = given[name] === undefined || isTemplate(given[name]) ? undefined : problemOf(given[name]);
      if (problem !== undefined) ctx.addIssue({ code: "custom", path: [name], message: problem });
    }
  });

/** Waits for a time, a moment or a signal. */
export const waitNode = defineNodeKind({
  kind: "wait",
  description: "Waits for a duration, until a moment, or for a signal, whose payload is then its output.",
  config,
  startsByContext: true,
  async run(ctx, { duration, until, signal }) {
    const problem =
      signal !== undefined ? signalProblem(textOf(signal)) : duration === undefined ? untilProblem(until) : durationProblem(duration);
    if (problem !== undefined)
      throw new WeftlineError("INVALID_INPUT", { message: `${problem} This is ${textOf(signal ?? duration ?? until)}.` });
    if (signal !== undefined) return ctx.signalled(textOf(signal));
    await ctx.wait(duration === undefined ? { until: momentMs(until) as number } : { forMs: durationMs(duration) as number });
    return null;
  },
});
