/** Counts matching lines in bytes that come in pieces, whatever their borders. The last line needs no end. */
export class LineCounter {
  readonly #pattern: RegExp
  #line: Buffer[] = []
  #length = 0
  #count = 0

  /** `pattern` must have neither of the flags g and y. */
  constructor(pattern: RegExp) {
    this.#pattern = pattern
  }

  add(bytes: Buffer): void {
    let at = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, at)) {
      this.#keep(bytes.subarray(at, end))
      this.#finishLine()
      at = end + 1
    }
    this.#keep(bytes.subarray(at))
  }

  /** The count of it all. */
  end(): number {
    if (this.#length > 0) this.#finishLine()
    return this.#count
  }

  #keep(part: Buffer): void {
    const kept = part.subarray(0, maxLine - this.#length)
    if (kept.length > 0) this.#line.push(kept)
    this.#length += kept.length
  }

  #finishLine(): void {
    const line = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line)
    this.#line = []
    this.#length = 0
    if (this.#pattern.test(line.toString().replace(/\r$/, ''))) this.#count++
  }
}

export interface PatternParts {
  readonly source: string
  readonly flags: string
}

/** An expression as plain data. Without g and y, with which it would remember where its last match was. */
export function patternParts(pattern: RegExp | string): PatternParts {
  const { flags, source } = new RegExp(pattern)
  return { source, flags: flags.replace(/[gy]/g, '') }
}

const maxLine = 4096
const newline = 10
