/** The first byte of a text message in one frame. */
const wholeText = 0x81;

/** Texts as the frames of a server, unmasked and one behind the other (RFC 6455, section 5.2). */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headOf(length) + length, 0));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    const length = lengths[index] ?? 0;
    frames[at] = wholeText;
    if (length < 126) frames[at + 1] = length;
    else if (length < 65_536) {
      frames[at + 1] = 126;
      frames.writeUInt16BE(length, at + 2);
    } else {
      frames[at + 1] = 127;
      frames.writeUIntBE(0, at + 2, 4);
      frames.writeUInt32BE(length, at + 6);
    }
    at += headOf(length);
    at += frames.write(text, at);
  }
  return frames;
}

function headOf(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}
