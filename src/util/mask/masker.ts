/**
 * Replaces every stretch of a stream that is covered by patterns with '***'. What may be the beginning of one is held back
 * until more comes or the stream ends, so that the result does not depend on how the stream was cut.
 */
export class Masker {
  readonly #patterns: readonly Pattern[]
  #held: Buffer = Buffer.alloc(0)
  /** The first bytes of it belong to what is masked already. */
  #covered = 0
  /** The last thing given out was a mask. */
  #masking = false

  constructor(patterns: readonly Buffer[]) {
    this.#patterns = patterns.map((bytes) => ({ bytes, fallback: fallbackTable(bytes) }))
  }

  /** Gives what can be shown by now. */
  push(bytes: Buffer): Buffer {
    const text = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes
    const open = Math.max(0, ...this.#patterns.map((pattern) => openEnd(pattern, text)))
    return this.#show(text, text.length - open)
  }

  /** Gives what was held back. */
  end(): Buffer {
    return this.#show(this.#held, this.#held.length)
  }

  #show(text: Buffer, until: number): Buffer {
    if (until === 0) {
      this.#held = text
      return text.subarray(0, 0)
    }
    const shown: Buffer[] = []
    let at = 0
    let covered = 0
    for (const { from, to } of this.#stretches(text)) {
      if (from >= until) break
      if (from > at) this.#masking = false
      shown.push(text.subarray(at, from))
      if (!this.#masking) shown.push(mask)
      this.#masking = true
      at = Math.min(to, until)
      covered = to - at
    }
    if (at < until) this.#masking = false
    shown.push(text.subarray(at, until))
    this.#held = text.subarray(until)
    this.#covered = covered
    return shown.length === 1 ? shown[0]! : Buffer.concat(shown)
  }

  /** Covered stretches in order; none touches the next. */
  #stretches(text: Buffer): Stretch[] {
    const all: Stretch[] = this.#covered > 0 ? [{ from: 0, to: this.#covered }] : []
    for (const { bytes } of this.#patterns)
      for (let at = text.indexOf(bytes); at !== -1; at = text.indexOf(bytes, at + 1))
        all.push({ from: at, to: at + bytes.length })
    all.sort((a, b) => a.from - b.from)
    const joined: { from: number; to: number }[] = []
    for (const { from, to } of all) {
      const last = joined.at(-1)
      if (last && from <= last.to) last.to = Math.max(last.to, to)
      else joined.push({ from, to })
    }
    return joined
  }
}

interface Stretch {
  readonly from: number
  readonly to: number
}

interface Pattern {
  readonly bytes: Buffer
  /** Of Knuth, Morris and Pratt: by how many bytes matched, how many still match when the next one does not. */
  readonly fallback: Int32Array
}

function fallbackTable(pattern: Buffer): Int32Array {
  const table = new Int32Array(pattern.length + 1)
  for (let at = 1, matched = 0; at < pattern.length; at++) {
    while (matched > 0 && pattern[at] !== pattern[matched]) matched = table[matched]!
    if (pattern[at] === pattern[matched]) matched++
    table[at + 1] = matched
  }
  return table
}

/** The length of the longest end of the text that a longer pattern begins with. */
function openEnd({ bytes, fallback }: Pattern, text: Buffer): number {
  let matched = 0
  for (let at = Math.max(0, text.length - bytes.length + 1); at < text.length; at++) {
    while (matched > 0 && text[at] !== bytes[matched]) matched = fallback[matched]!
    if (text[at] === bytes[matched]) matched++
    if (matched === bytes.length) matched = fallback[matched]!
  }
  return matched
}

const mask = Buffer.from('***')
