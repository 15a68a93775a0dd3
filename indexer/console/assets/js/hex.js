// Shows bytes as people look at them: offset, hexadecimal, and the letters among them.

/** The bytes that a text in base64 stands for. */
export const readBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Sixteen bytes a line; what is no printable ASCII is a dot. */
export function hexDump(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const hex = part.map((b) => b.toString(16).padStart(2, '0')).join(' ').padEnd(47);
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${part.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('')}`);
  }
  return lines.join('\n');
}
