import { describe, expect, it } from "vitest";
import { contribution, extensionPoint, optional, refOf, serviceRef } from "../../src/core/kernel/refs.ts";
import { boot } from "./boot.ts";
import { definePlugin } from "#weftline";

describe("a token", () => {
  it("is inert data that nobody can change", () => {
    const tokens = [
      serviceRef("a.a"),
      optional(serviceRef("a.a")),
      extensionPoint("a.points"),
      contribution(extensionPoint("a.points"), "key", 1),
    ];
    for (const token of tokens) expect(Object.isFrozen(token)).toBe(true);
    expect(JSON.parse(JSON.stringify(tokens))).toEqual([
      { kind: "service", id: "a.a" },
      { kind: "optional", ref: { kind: "service", id: "a.a" } },
      { kind: "point", id: "a.points" },
      { point: "a.points", key: "key", value: 1 },
    ]);
  });

  it("gives the service behind it, optional or not", () => {
    const ref = serviceRef<number>("a.a");
    expect(refOf(ref)).toBe(ref);
    expect(refOf(optional(ref))).toBe(ref);
  });

  it("is compared by id, so that two copies of a package still meet", async () => {
    const mine = serviceRef<string>("greeter.greeter");
    const copy = serviceRef<string>("greeter.greeter");
    const point = () => extensionPoint<number>("greeter.numbers");
    let heard: unknown;
    const kernel = await boot([
      definePlugin({
        id: "greeter",
        provides: { greeter: mine },
        setup: ({ contribute }) => {
          contribute(point(), "one", 1);
          return { greeter: "hello" };
        },
      })(),
      definePlugin({ id: "guest", requires: { greeter: copy }, setup: ({ deps }) => void (heard = deps.greeter) })(),
    ]);
    expect(heard).toBe("hello");
    expect([...kernel.registry.contributions(point()).keys()]).toEqual(["one"]);
  });
});
