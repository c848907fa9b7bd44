import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { StoryEvent } from "./story.ts";

/** Runs the script that follows a run, and shows the events that it prints. */
export async function watchWithCurl(script: string, run: string, show: (event: StoryEvent) => void): Promise<void> {
  const child = spawn("bash", [script, run], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  for await (const line of createInterface(child.stdout)) {
    const { data } = JSON.parse(line) as { readonly data: { readonly runEvents: StoryEvent } };
    show(data.runEvents);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`The script ended with ${code}:\n${said}`);
}
