/** How many bits a sketch has, whatever the dimensions of the vector. */
export const sketchBits = 1_024;

/**
 * The signs of a vector in a basis at random, the same on every machine: the more bits two sketches share, the smaller the angle between their vectors.
 * Signs at random and a Hadamard transform, twice over, take the place of a matrix.
 */
export function sketchOf(vector: Float32Array): Uint8Array {
  const width = 2 ** Math.ceil(Math.log2(Math.max(2, vector.length)));
  const sketch = new Uint8Array(sketchBits / 8);
  for (let bit = 0, round = 0; bit < sketchBits; round++) {
    const mixed = new Float32Array(width);
    mixed.set(vector);
    for (const pass of [0, 1]) {
      flip(mixed, round * 2 + pass + 1);
      transform(mixed);
    }
    for (let at = 0; at < width && bit < sketchBits; at++, bit++)
      if ((mixed[at] ?? 0) > 0) sketch[bit >> 3] = (sketch[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return sketch;
}

/** Changes signs by xorshift32. */
function flip(values: Float32Array, seed: number): void {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  for (let at = 0; at < values.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (state < 0) values[at] = -(values[at] ?? 0);
  }
}

/** Walsh and Hadamard's transform, in place. */
function transform(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let from = 0; from < values.length; from += 2 * half)
      for (let at = from; at < from + half; at++) {
        const [a, b] = [values[at] ?? 0, values[at + half] ?? 0];
        values[at] = a + b;
        values[at + half] = a - b;
      }
}
