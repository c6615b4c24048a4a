import { plainLine } from './neutralise.ts'
import { cutToWidth } from './display-width.ts'
import type { Terminal } from './terminal.ts'

/** What is being waited for: one line that is rewritten on a terminal, a line per change in a pipe. */
export class ProgressLine {
  readonly #terminal: Terminal
  #shown = ''

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** `passing` is what changes all the time, such as the time waited: it is left out in a pipe. */
  async show(text: string, passing = ''): Promise<void> {
    const line = plainLine(text)
    if (this.#terminal.isTTY) {
      this.#shown = line
      const cut = cutToWidth(line + passing, this.#terminal.width - 1)
      await this.#terminal.write(`\r\x1b[K${this.#terminal.colours.dim(cut)}`)
    } else if (withoutTimes(line) !== this.#shown) {
      this.#shown = withoutTimes(line)
      await this.#terminal.write(`${line}\n`)
    }
  }

  /** Takes the line away, before something else is printed. */
  async clear(): Promise<void> {
    if (this.#shown !== '' && this.#terminal.isTTY) await this.#terminal.write('\r\x1b[K')
    this.#shown = ''
  }
}

// A countdown within the text is no news.
function withoutTimes(line: string): string {
  return line.replaceAll(/\d+(\.\d+)? (ms|[smhd])\b/g, '')
}
