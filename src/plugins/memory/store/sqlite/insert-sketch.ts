/** The extension takes whole numbers by their declared type only. */
export const insertSketch =
  "insert into memory_sketch (num, tenant, embedder, space, sketch) values (cast(? as integer), ?, cast(? as integer), cast(? as integer), vec_bit(?))";
