import { registerHooks } from "node:module";

/** Packages are not found, as where npm had none for this machine. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith("sqlite-vec-")) throw new Error(`Cannot find package "${specifier}"`);
    return next(specifier, context);
  },
});
