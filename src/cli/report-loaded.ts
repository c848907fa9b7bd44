import { registerHooks } from "node:module";

/** Loaded before a server that `weftline dev` watches: tells the parent process of each file that is loaded. */
registerHooks({
  load: (url, context, nextLoad) => {
    if (url.startsWith("file:") && !url.includes("/node_modules/")) process.send?.({ loaded: url });
    return nextLoad(url, context);
  },
});

// Whoever watches is gone: nobody else would end this process. Listening alone must not keep it up.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
