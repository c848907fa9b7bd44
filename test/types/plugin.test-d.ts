import { defineEntity } from "@mikro-orm/core";
import { contribution, definePlugin, extensionPoint, optional, owned, serviceRef, tools, type PluginSpec } from "#weftline";
import { z } from "zod";

interface Clock {
  now(): number;
}
interface Mail {
  send(text: string): void;
}
const clockService = serviceRef<Clock>("clock.clock");
const mailService = serviceRef<Mail>("mail.mail");
const panels = extensionPoint<{ readonly title: string; readonly url: string }>("console.panels");

// A factory takes what the schema takes.
const shop = definePlugin({
  id: "shop",
  config: z.object({ name: z.string(), port: z.coerce.number().default(80), mode: z.enum(["fast", "slow"]).optional() }),
});
shop({ name: "a" });
shop({ name: "a", port: "8080", mode: "fast" }, { optional: true });
// @ts-expect-error TS2554: the schema has a required option.
shop();
// @ts-expect-error TS2741: the required option is missing.
shop({});
// @ts-expect-error TS2322: an option of another type.
shop({ name: 1 });
// @ts-expect-error TS2353: an option that the schema does not know.
shop({ name: "a", colour: "red" });
// @ts-expect-error TS2322: a value that is not in the enum.
shop({ name: "a", mode: "medium" });
// @ts-expect-error TS2322: entries are marked by true, so that nothing is optional by an expression that is false.
shop({ name: "a" }, { optional: false });
// @ts-expect-error TS2353: an entry knows no such mark.
shop({ name: "a" }, { lazy: true });

// Options may be left out where the schema takes nothing, or an empty object.
definePlugin({ id: "soft", config: z.object({ name: z.string().default("a") }) })();
definePlugin({ id: "word", config: z.string().default("a") })();
definePlugin({ id: "maybe", config: z.object({ name: z.string() }).optional() })();
definePlugin({ id: "bare" })(undefined, { disabled: true });
// @ts-expect-error TS2345: a plugin without a schema takes no options.
definePlugin({ id: "bare" })({ name: "a" });

// Setup is handed what the schema makes and what it requires, and returns what it provides.
definePlugin({
  id: "post",
  config: z.object({ port: z.coerce.number() }),
  requires: { clock: clockService, mail: optional(mailService) },
  provides: { mine: mailService },
  setup: ({ config, deps }) => {
    const port: number = config.port;
    const now: number = deps.clock.now();
    deps.mail?.send(`${port} ${now}`);
    // @ts-expect-error TS2322: the schema makes a number of it.
    const text: string = config.port;
    // @ts-expect-error TS2322: the clock gives a number.
    const time: string = deps.clock.now();
    // @ts-expect-error TS18048: nobody may provide it.
    deps.mail.send(text + time);
    // @ts-expect-error TS2339: it was not required.
    void deps.budgets;
    // @ts-expect-error TS2540: dependencies are not the plugin's to change.
    deps.clock = { now: () => 1 };
    return { mine: { send: () => {} } };
  },
});
definePlugin({
  id: "later",
  provides: { mail: mailService },
  setup: async () => ({ mail: { send: () => {} } }),
});
definePlugin({ id: "silent", setup: () => {} });
definePlugin({ id: "silent", setup: async () => {} });
definePlugin({ id: "silent", setup: () => ({}) });
// @ts-expect-error TS2322: nothing is returned where a service is promised.
definePlugin({ id: "lazy", provides: { mail: mailService }, setup: () => {} });
// @ts-expect-error TS2322: another service is returned.
definePlugin({ id: "wrong", provides: { mail: mailService }, setup: () => ({ post: { send: () => {} } }) });
// @ts-expect-error TS2322: the service is of another type.
definePlugin({ id: "wrong", provides: { mail: mailService }, setup: () => ({ mail: { send: (count: number) => count } }) });
// @ts-expect-error TS2322: the same, in its own time.
definePlugin({ id: "wrong", provides: { mail: mailService }, setup: async () => ({ mail: { now: () => 1 } }) });
// @ts-expect-error TS2322: something is returned where nothing is promised.
definePlugin({ id: "loud", setup: () => ({ mail: { send: () => {} } }) });
// @ts-expect-error TS2322: a token is a token, not its name.
definePlugin({ id: "named", requires: { clock: "clock.clock" } });
// @ts-expect-error TS2741: what is provided cannot be optional.
definePlugin({ id: "half", provides: { mail: optional(mailService) } });
// @ts-expect-error TS2322: a kind that no plugin has.
definePlugin({ id: "kind", kind: "THEME" });

// A contribution is of its point's type, whole.
definePlugin({
  id: "panels",
  contributes: [contribution(panels, "home", { title: "Home", url: "/" })],
  setup: ({ contribute, contributions, status }) => {
    contribute(panels, "more", { title: "More", url: "/more" });
    const title: string | undefined = contributions(panels).get("home")?.value.title;
    // @ts-expect-error TS2741: a part of it is missing.
    contribute(panels, "half", { title: "Half" });
    const half = { title: "Half" };
    // @ts-expect-error TS2741: the same, by a variable.
    contribute(panels, "half", half);
    // @ts-expect-error TS2345: something else.
    contribute(panels, "number", 1);
    // @ts-expect-error TS2322: what stands there is a panel.
    const count: number | undefined = contributions(panels).get("home")?.value;
    // @ts-expect-error TS2339: the view of a point is for reading.
    contributions(panels).set("home", title);
    // @ts-expect-error TS2379: a service is no extension point.
    contribute(clockService, "clock", { now: () => count ?? 0 });
    // @ts-expect-error TS2322: only the kernel says that a plugin failed.
    status({ state: "FAILED" });
  },
});
// @ts-expect-error TS2741: a part of it is missing.
contribution(panels, "half", { url: "/" });
// @ts-expect-error TS2739: a tool needs a schema, side effects and what runs it.
contribution(tools, "half", { name: "half", description: "Half a tool.", approval: "NEVER" });

// Entities stand in a list together with their rule; migrations are named by date.
const NoteSchema = defineEntity({
  name: "Note",
  tableName: "notes_note",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string(), reader: p.string() }),
});
definePlugin({ id: "notes", entities: [owned(NoteSchema, { rule: "GRANTED", grant: (viewer) => ({ reader: viewer.actorId }) })] });
// @ts-expect-error TS2739: an entity without a rule.
definePlugin({ id: "notes", entities: [NoteSchema] });
// @ts-expect-error TS2322: a rule that does not exist.
owned(NoteSchema, { rule: "PUBLIC" });
// @ts-expect-error TS2345: a grant must say whom.
owned(NoteSchema, { rule: "GRANTED" });
// @ts-expect-error TS2322: a grant over a property that the entity does not have.
owned(NoteSchema, { rule: "GRANTED", grant: (viewer) => ({ friend: viewer.actorId }) });
definePlugin({
  id: "notes",
  migrations: {
    // @ts-expect-error TS2353: a migration without its date.
    initial: class {
      up(): void {}
    },
  },
});

// A spec without types of its own is still one.
export const plain: PluginSpec<undefined, Record<never, never>, Record<never, never>> = { id: "plain" };
