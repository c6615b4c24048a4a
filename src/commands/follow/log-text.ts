import { stripVTControlCharacters } from 'node:util'
import { Neutraliser } from '../output/neutralise.ts'

/** A log's bytes as text that is harmless on a terminal, across the borders of the pieces it comes in. */
export class LogText {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #neutraliser = new Neutraliser()
  readonly #colours: boolean
  #coloured = false

  constructor({ colours }: { colours: boolean }) {
    this.#colours = colours
  }

  push(bytes: Uint8Array): string {
    return this.#finish(this.#neutraliser.push(this.#decoder.decode(bytes, { stream: true })))
  }

  /** What is left at the end of the log; a colour that the log left on is turned off. */
  end(): string {
    const rest = this.#neutraliser.push(this.#decoder.decode()) + this.#neutraliser.end()
    return this.#finish(rest) + (this.#coloured ? '\x1b[0m' : '')
  }

  #finish(text: string): string {
    if (!this.#colours) return stripVTControlCharacters(text)
    this.#coloured ||= text.includes('\x1b')
    return text
  }
}
