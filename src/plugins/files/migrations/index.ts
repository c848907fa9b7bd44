import { Initial202611251422 } from "./202611251422_initial.ts";
import { FileList202611292035 } from "./202611292035_file_list.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611251422_initial": Initial202611251422,
  "202611292035_file_list": FileList202611292035,
};
