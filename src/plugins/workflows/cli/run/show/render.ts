import type { CliContext } from "#weftline";
import { isFinal } from "../events.ts";
import type { Glyphs } from "./glyphs.ts";
import { durationText, endOf, oneLine, startOf, widthOf } from "./text.ts";
import { isWorking, nodesOf, type NodeView } from "./nodes.ts";
import type { RunTree, RunView } from "../tree.ts";
import { usageText } from "./usage-text.ts";

/** Where and how a tree is drawn. */
export interface RenderOptions {
  readonly columns: number;
  readonly rows: number;
  readonly glyphs: Glyphs;
  readonly paint: CliContext["paint"];
  /** In milliseconds since 1970. */
  readonly now: number;
  /** Which picture of what moves. */
  readonly frame: number;
}

type Style = Parameters<CliContext["paint"]>[0];

/** The lines of one node, and how much they matter where there is no room for all. */
interface Block {
  readonly lines: readonly string[];
  readonly state: "active" | "ended" | "pending";
}

const styles: Readonly<Record<string, Style>> = {
  succeeded: "green",
  failed: "red",
  cancelled: "red",
  running: "cyan",
  asked: "yellow",
  waiting: "yellow",
};
/** How deep runs below runs are shown. */
const maxDepth = 4;

/** A run and what is below it as lines that fit. */
export function renderTree(tree: RunTree, options: RenderOptions): readonly string[] {
  const { rows, glyphs, paint, columns } = options;
  const questions = [...tree.pending.values()].map((asked) => {
    const asker = tree.askerOf(asked);
    const words = asker === undefined ? asked.message : `${asker}: ${asked.message}`;
    return paint("yellow", startOf(`${glyphs.asked} ${oneLine(words)}`, columns, glyphs.ellipsis));
  });
  const shown = questions.length > 3 ? [...questions.slice(0, 2), `  ${questions.length - 2} more questions`] : questions;
  const head = [header(tree, options)];
  const blocks = blocksOf(tree, tree.root, { ...options, columns }, 0);
  return [...head, ...fitted(blocks, Math.max(3, rows - head.length - shown.length - 1), options), ...shown];
}

function header(tree: RunTree, { columns, glyphs, paint, now }: RenderOptions): string {
  const { root, progress } = tree;
  const { name = "workflow", isSimulated } = root;
  const elapsed = root.durationMs ?? (root.startedAt === undefined ? undefined : now - root.startedAt);
  const facts = [
    statusOf(tree),
    ...(progress ? [`${progress.done}/${progress.total ?? "?"}`] : []),
    ...(elapsed === undefined ? [] : [durationText(elapsed)]),
    ...(isSimulated ? ["SIMULATED"] : []),
    ...usageText(tree.usage),
  ];
  const title = startOf(oneLine(name), Math.max(8, columns - 24), glyphs.ellipsis);
  return `${paint("bold", title)}  ${paint("dim", startOf(facts.join(` ${glyphs.dot} `), Math.max(0, columns - widthOf(title) - 2), glyphs.ellipsis))}`;
}

/** A run counts as WAITING while only runs below it are at work, and as RUNNING while its turn lasts: people see what its nodes do. */
function statusOf(tree: RunTree): string {
  const { status, units } = tree.root;
  if (status !== "RUNNING" && status !== "WAITING") return status;
  if (isWorking(tree)) return "RUNNING";
  const isOpen = [...units.values()].some((unit) => unit.status === "RUNNING" || unit.status === "WAITING");
  return isOpen ? "WAITING" : status;
}

function blocksOf(tree: RunTree, run: RunView, options: RenderOptions, depth: number): readonly Block[] {
  const nodes = nodesOf(tree, run, options.now);
  return nodes.map((node, at) => blockOf(tree, node, options, depth, at === nodes.length - 1));
}

function blockOf(tree: RunTree, node: NodeView, options: RenderOptions, depth: number, isLast: boolean): Block {
  const { glyphs, paint, columns, frame } = options;
  const glyph = node.look === "running" ? (glyphs.running[frame % glyphs.running.length] ?? "") : glyphs[node.look];
  const details = [...node.details, ...(node.ms === undefined ? [] : [durationText(node.ms)])].join(` ${glyphs.dot} `);
  const stem = `${isLast ? glyphs.last : glyphs.branch} `;
  const below = `${isLast ? " ".repeat(widthOf(glyphs.last)) : glyphs.bar.padEnd(widthOf(glyphs.branch))} `;
  const room = columns - widthOf(stem) - widthOf(glyph) - 1;
  const name = startOf(oneLine(node.name), Math.max(6, Math.min(room, 40)), glyphs.ellipsis);
  const rest = startOf(oneLine(details.replaceAll("->", glyphs.arrow)), Math.max(0, room - widthOf(name) - 2), glyphs.ellipsis);
  const style = styles[node.look];
  const isQuiet = node.look === "pending" || node.look === "skipped";
  const first = `${paint("dim", stem)}${style ? paint(style, glyph) : paint("dim", glyph)} ${isQuiet ? paint("dim", name) : name}${rest === "" ? "" : `  ${paint("dim", rest)}`}`;
  const inner = { ...options, columns: columns - widthOf(below) };
  const more = [
    ...(node.error === undefined ? [] : [paint("red", startOf(oneLine(node.error), inner.columns, glyphs.ellipsis))]),
    ...node.activeRuns.flatMap(({ run, label }) => runLines(tree, run, label, inner, depth)),
  ];
  const state = node.look === "pending" ? "pending" : node.isEnded && node.error === undefined ? "ended" : "active";
  return { state, lines: [first, ...more.map((line) => `${paint("dim", below)}${line}`)] };
}

/** A run below a node while it is at work: its own nodes, or the end of what its agent says. */
function runLines(tree: RunTree, run: RunView, label: string | undefined, options: RenderOptions, depth: number): readonly string[] {
  const { columns, glyphs, paint } = options;
  if (isFinal(run.status)) return [];
  if (run.units.size > 0 && depth < maxDepth) return blocksOf(tree, run, options, depth + 1).flatMap(({ lines }) => lines);
  const doing = run.tool === undefined ? oneLine(run.text) : `calls ${run.tool}`;
  if (doing === "") return label === undefined ? [] : [paint("dim", startOf(label, columns, glyphs.ellipsis))];
  const before = label === undefined ? "" : `${label} `;
  return [paint("dim", `${startOf(before, columns, glyphs.ellipsis)}${endOf(doing, columns - widthOf(before), glyphs.ellipsis)}`)];
}

/** Where there is no room, nodes that have ended make way first, then those that have not begun. */
function fitted(blocks: readonly Block[], rows: number, { paint }: RenderOptions): readonly string[] {
  const left = new Set(blocks);
  const count = (): number => [...left].reduce((sum, { lines }) => sum + lines.length, 0) + (left.size < blocks.length ? 1 : 0);
  const order = [...blocks.filter(({ state }) => state === "ended"), ...blocks.filter(({ state }) => state === "pending").toReversed()];
  for (const block of order) {
    if (count() <= rows) break;
    left.delete(block);
  }
  const hidden = blocks.filter((block) => !left.has(block));
  const ended = hidden.filter(({ state }) => state === "ended").length;
  const words = [...(ended > 0 ? [`${ended} ended`] : []), ...(hidden.length > ended ? [`${hidden.length - ended} to come`] : [])];
  const lines = [...left].flatMap((block) => block.lines);
  const kept = lines.slice(0, Math.max(0, rows - (words.length > 0 ? 1 : 0)));
  return words.length > 0 ? [...kept, paint("dim", `   (${words.join(", ")})`)] : kept;
}
