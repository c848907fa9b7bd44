import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authorizationService } from "#weftline";
import { auth } from "../../src/plugins/auth/index.ts";
import { probePlugin, serve, until, type Served } from "./fixture.ts";
import { raw, type RawSocket } from "./raw-socket.ts";

const watch = "subscription ($after: Int, $name: String) { probeSame(after: $after, name: $name) }";
const people = [
  { token: "token-of-ada", id: "ada", roles: ["admin"] },
  { token: "token-of-bob", id: "bob", roles: ["admin"] },
  { token: "token-of-other-ada", id: "ada", tenant: "other", roles: ["admin"] },
];

describe("subscribers who ask the same", () => {
  let app: Served;
  let sockets: RawSocket[];
  beforeEach(async () => {
    app = await serve({ plugins: [auth({ viewers: people }), probePlugin()] });
    sockets = [];
  });
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
  });

  /** A subscription on a socket of its own. */
  async function open(token: string, query = watch, variables: Record<string, unknown> = {}): Promise<RawSocket> {
    const socket = await raw(app.socket(), "init", { token });
    socket.subscribe(`of-${sockets.length}`, query, variables);
    sockets.push(socket);
    await until(() => app.probe.open === sockets.length);
    return socket;
  }

  const answers = ({ messages }: RawSocket): unknown[] => messages.filter(({ type }) => type === "next").map(({ payload }) => payload);
  const texts = (socket: RawSocket): unknown[] =>
    answers(socket).map((payload) => (payload as { data: { probeSame: unknown } }).data.probeSame);

  async function give(text: string, failures?: number): Promise<void> {
    const before = sockets.map((socket) => answers(socket).length);
    app.probe.give({ text, ...(failures === undefined ? {} : { failures }) });
    await until(() => sockets.every((socket, index) => answers(socket).length > (before[index] ?? 0)));
  }

  it("are answered by one resolution of each event, wherever they began, under their own ids", async () => {
    for (const after of [null, 0, 7]) await open("token-of-ada", watch, { after, name: "x" });
    for (const text of ["one", "two", "three"]) await give(text);
    for (const socket of sockets) expect(texts(socket)).toEqual(["default ada one x", "default ada two x", "default ada three x"]);
    expect(app.probe.loads).toEqual(["ada", "ada", "ada"]);
    const ids = sockets.map(({ messages }) => [...new Set(messages.flatMap(({ id }) => id ?? []))]);
    expect(ids).toEqual([["of-0"], ["of-1"], ["of-2"]]);
  });

  it("go on without the one that leaves, and with the one that comes", async () => {
    await open("token-of-ada");
    const [leaving] = [await open("token-of-ada")];
    await give("one");
    leaving.socket.close();
    sockets.pop();
    await until(() => app.probe.open === 1);
    await give("two");
    const late = await open("token-of-ada");
    await give("three");
    expect(texts(late)).toEqual(["default ada three"]);
    expect(texts(sockets[0] as RawSocket)).toEqual(["default ada one", "default ada two", "default ada three"]);
    expect(app.probe.loads).toHaveLength(3);
  });

  it("share with no other person, also not with one of the same name and roles elsewhere", async () => {
    for (const { token } of people) await open(token);
    for (const { token } of people) await open(token);
    await give("one");
    expect(sockets.map(texts)).toEqual([0, 1].flatMap(() => [["default ada one"], ["default bob one"], ["other ada one"]]));
    expect(app.probe.loads.toSorted()).toEqual(["ada", "ada", "bob"]);
  });

  it("are only those whose variables and document are the same", async () => {
    await open("token-of-ada", watch, { name: "a" });
    await open("token-of-ada", watch, { name: "b" });
    await open("token-of-ada", `${watch} # other`, { name: "a" });
    await give("one");
    expect(sockets.map(texts)).toEqual([["default ada one a"], ["default ada one b"], ["default ada one a"]]);
    expect(app.probe.loads).toHaveLength(3);
  });

  it("do not share where the place from which they follow says something else as well", async () => {
    const both = "subscription ($n: Int) { probeSame(after: $n, times: $n) }";
    await open("token-of-ada", both, { n: 1 });
    await open("token-of-ada", both, { n: 2 });
    await give("one");
    expect(sockets.map(texts)).toEqual([["default ada one 1"], ["default ada one 2"]]);
  });

  it("are given nothing that was made before something was revoked", async () => {
    for (let at = 0; at < 2; at++) await open("token-of-ada");
    const event = { text: "one" };
    const given = async (times: number): Promise<void> => {
      app.probe.give(event);
      await until(() => sockets.every((socket) => texts(socket).length === times));
    };
    await given(1);
    await given(2);
    expect(app.probe.loads).toHaveLength(1);
    app.platform.use(authorizationService).raise();
    await given(3);
    expect(app.probe.loads).toHaveLength(2);
  });

  it("try again what failed for another", async () => {
    const [first, second] = [await open("token-of-ada"), await open("token-of-ada")];
    await give("one", 1);
    expect(answers(first)).toMatchObject([{ errors: [{ extensions: { code: "NOT_FOUND" } }] }]);
    expect(texts(second)).toEqual(["default ada one"]);
  });
});
