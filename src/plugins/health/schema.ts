import { HealthComponent, HealthStatus, type GraphBuilder } from "#weftline";
import { healthService, type HealthReport } from "./contract.ts";

export function addHealthSchema(builder: GraphBuilder): void {
  const Health = builder.objectRef<HealthReport>("Health").implement({
    description: "How the platform is, part by part.",
    fields: (t) => ({
      status: t.field({ type: HealthStatus, nullable: false, description: "The worst of the parts.", resolve: ({ status }) => status }),
      version: t.exposeString("version", { nullable: false, description: "The version of the host." }),
      uptime: t.field({
        type: "Duration",
        nullable: false,
        description: "How long it has been running.",
        resolve: ({ uptimeMs }) => uptimeMs,
      }),
      components: t.field({
        type: [HealthComponent],
        nullable: false,
        description: "Each part. What is asked over the network holds for a while: checkedAt says since when.",
        resolve: ({ components }) => [...components],
      }),
    }),
  });
  builder.queryField("health", (t) =>
    t.field({
      type: Health,
      description:
        "How the platform is. Each part is checked anew, for at most two seconds; `changes` of the type Health tell when one is another way than it was.",
      resolve: (_, __, scope) => scope.use(healthService).report(),
    }),
  );
}
