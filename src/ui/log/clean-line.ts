/**
 * A line as it looks in the end: without the escape sequences of terminals, and of what a progress bar wrote over and
 * over only the last.
 */
export function cleanLine(text: string): string {
  const plain = text.includes('\x1b') ? text.replace(escapes, '') : text
  const end = plain.endsWith('\r') ? plain.length - 1 : plain.length
  return plain.slice(plain.lastIndexOf('\r', end - 1) + 1, end)
}

// CSI sequences, OSC sequences up to their end, and the two-character ones.
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_=>])/g
