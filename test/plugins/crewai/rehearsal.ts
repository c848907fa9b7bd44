import { rmSync } from "node:fs";
import type { CrewaiConfig } from "../../../src/plugins/crewai/config.ts";
import { crewai } from "../../../src/plugins/index.ts";
import { testModel, type TestModel } from "./model.ts";
import { Theatre } from "./play.ts";
import { pythonThat } from "./recording.ts";
import type { Scene } from "./scenes.ts";

/** One scene after the other, with a program of ours in Python's place. */
export class Rehearsal implements AsyncDisposable {
  readonly home: string;
  readonly theatre: Theatre;
  readonly provider: TestModel;
  readonly #stage: { scene: Scene | undefined };

  private constructor(home: string, theatre: Theatre, provider: TestModel, stage: { scene: Scene | undefined }) {
    this.home = home;
    this.theatre = theatre;
    this.provider = provider;
    this.#stage = stage;
  }

  /** @param call of the module, which stands in Python's place. */
  static async open(module: string, call: string, more: Pick<Partial<CrewaiConfig>, "engine"> = {}): Promise<Rehearsal> {
    const python = pythonThat(module, call);
    const stage: { scene: Scene | undefined } = { scene: undefined };
    const provider = await testModel((asked) => stage.scene?.model(asked) ?? "");
    return new Rehearsal(python.home, await Theatre.open(crewai({ ...more, ...python }), provider.baseURL), provider, stage);
  }

  /** From now on the model answers as this scene has it. */
  begin(scene: Scene): void {
    this.#stage.scene = scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.theatre[Symbol.asyncDispose]();
    await this.provider[Symbol.asyncDispose]();
    rmSync(this.home, { recursive: true });
  }
}
