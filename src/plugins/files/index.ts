import {
  contribution,
  dataFolder,
  databaseService,
  definePlugin,
  fileService,
  httpRoutes,
  keptFiles,
  legalHolds,
  purgers,
  retainedData,
} from "#weftline";
import { filesConfig } from "./config.ts";
import { filesService, type FilesService } from "./contract.ts";
import { fileEntity, useEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { createFilesRoute, routeName } from "./route.ts";
import { addFilesSchema } from "./schema.ts";
import { Disk } from "./service/disk.ts";
import { keptUploads } from "./service/kept.ts";
import { listFiles } from "./service/list.ts";
import { retainedFiles } from "./service/retained.ts";
import { startSweeping } from "./service/sweep.ts";
import { createUploads } from "./service/uploads.ts";
import { createPurger, createUses } from "./service/uses.ts";

/**
 * Files in messages: uploaded and got over plain HTTP, kept in the data folder, shown to models that take them.
 *
 * @example defineConfig({ plugins: [chat(), files({ mediaTypes: ["image/*", "application/pdf", "text/*"] })] })
 */
export const files = definePlugin({
  id: "files",
  description: "Files in messages, uploaded over plain HTTP.",
  config: filesConfig,
  requires: { database: databaseService, folder: dataFolder, holds: legalHolds },
  provides: { uploads: filesService, files: fileService },
  entities: [fileEntity, useEntity],
  migrations,
  contributes: [contribution(keptFiles, "files", keptUploads)],
  schema: addFilesSchema,
  setup: ({ config, deps, log, contribute, onReady, onClose }) => {
    const disk = new Disk(deps.folder.of("files"));
    const host = { config, database: deps.database, disk, holds: deps.holds };
    const service: FilesService = { ...createUploads(host), ...createUses(host), list: listFiles };
    contribute(httpRoutes, routeName, createFilesRoute(service));
    contribute(retainedData, "FILES", retainedFiles(host));
    contribute(purgers, "files", createPurger(disk));
    onReady(() => onClose(startSweeping({ config, database: deps.database, disk, log, pairedAt: deps.folder.pairedAt, stuck: new Set() })));
    return { uploads: service, files: service };
  },
});
