import { Initial202611251422 } from "./202611251422_initial.ts";
import { FileList202611292035 } from "./202611292035_file_list.ts";
import { Retention202611302259 } from "./202611302259_retention.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611251422_initial": Initial202611251422,
  "202611292035_file_list": FileList202611292035,
  "202611302259_retention": Retention202611302259,
};
