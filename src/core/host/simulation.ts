import { serviceRef } from "../kernel/refs.ts";

/** Whether simulated answers may be given on a host at all; where they may, a thread can still forbid them. */
export type Simulation = "allowed" | "forbidden";

/** The host's own word on simulation, for the plugin that resolves models. */
export const simulationPolicy = serviceRef<Simulation>("weftline.simulation");
