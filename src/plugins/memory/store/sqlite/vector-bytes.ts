/** A vector as it is stored: floats of four bytes. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The vector of stored bytes, copied where they are not aligned. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const { byteOffset, byteLength } = bytes;
  if (byteOffset % 4 === 0) return new Float32Array(bytes.buffer, byteOffset, byteLength / 4);
  return new Float32Array(bytes.buffer.slice(byteOffset, byteOffset + byteLength));
}
