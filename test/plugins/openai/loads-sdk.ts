import { registerHooks } from "node:module";

// Run as a process of its own: prints which files of the SDK were loaded after the boot and after a turn.
const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    if (/node_modules\/openai\/(?!version\.)/.test(url)) loaded.push(url);
    return next(url, context);
  },
});

const { testPlatform } = await import("../../../src/testing/index.ts");
const { models } = await import("../../../src/plugins/models/index.ts");
const { simulated } = await import("../../../src/plugins/simulated/index.ts");
const { openai } = await import("../../../src/plugins/openai/index.ts");
const app = await testPlatform({ plugins: [models(), simulated(), openai()] });
const afterBoot = [...loaded];

const { play, simulatedBinding } = await import("./play.ts");
await play({ model: simulatedBinding("chat") });
process.stdout.write(JSON.stringify({ afterBoot, afterTurn: loaded }));
await app.close();
