/** A stranger's text as it may be shown: no escape sequences, no control characters but newline and tab, none that turn its direction. */
export function plainText(text: string): string {
  return withoutEscapes(text).replaceAll(unshown, '')
}

/** The same on one line of at most `max` characters. */
export function oneLine(text: string, max = 200): string {
  const line = plainText(text.replaceAll(/[\r\n\t\u2028\u2029]+/g, ' '))
    .replaceAll(/ {2,}/g, ' ')
    .trim()
  return line.length > max
    ? `${line
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`
    : line
}

/** Lines of a log as they look in the end: of what a progress bar wrote over and over only the last. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const last = count > 0 ? lines.slice(-count) : []
  return last.map((line) => plainText(afterReturn(withoutEscapes(line)))).join('\n')
}

function afterReturn(line: string): string {
  const end = line.endsWith('\r') ? line.length - 1 : line.length
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end)
}

function withoutEscapes(text: string): string {
  return text.includes('\x1b') ? text.replaceAll(escapes, '') : text
}

// CSI sequences, OSC sequences up to their end, and the two-character ones.
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_=>])/g
const unshown = /[^\P{Cc}\n\t]|\p{Bidi_Control}|\p{Cs}/gu
