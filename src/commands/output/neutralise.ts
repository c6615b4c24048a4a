/**
 * Makes text from a build harmless on a terminal: colours (SGR) pass, every other control sequence is shown instead of
 * obeyed, so that a hostile log cannot retitle the window, move the cursor, write to the clipboard or make the terminal
 * type an answer. Text comes in pieces; a sequence that is cut by their border is held back until it is whole.
 */
export class Neutraliser {
  #held = ''

  push(text: string): string {
    const all = this.#held + text
    const cut = startOfUnfinishedTail(all)
    this.#held = all.slice(cut)
    return harmless(all.slice(0, cut))
  }

  /** What was held back, at the end of the text. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return harmless(rest)
  }
}

/** A single line for a table or a message: no control character at all, no line break. */
export function plainLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, visible)
}

function harmless(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/(\x1b\[[0-9;:]{0,64}m)|[^\P{Cc}\n\t\r]|\p{Bidi_Control}/gu, (character, colour?: string) =>
      colour === undefined ? visible(character) : colour,
    )
}

// A carriage return waits for what follows it, because '\r\n' is one line end.
function startOfUnfinishedTail(text: string): number {
  const tail = /(?:\r|\x1b|\x1b\[[0-9;:]{0,64})$/.exec(text)
  return tail ? tail.index : text.length
}

// ESC becomes '^[' as in `cat -v`; what has no such name becomes its number.
function visible(character: string): string {
  const code = character.codePointAt(0)!
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`
  if (code === 0x7f) return '^?'
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
}
