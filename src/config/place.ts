import { closest } from '../util/closest.ts'
import type { Problem } from './problem.ts'
import { show, showKind } from './show.ts'

/** A place in the config: knows its path, and collects what is wrong there. */
export class Place {
  readonly path: string
  readonly problems: Problem[]

  constructor(path: string, problems: Problem[]) {
    this.path = path
    this.problems = problems
  }

  key(key: string): Place {
    if (!/^[A-Za-z_$][\w$]*$/.test(key)) return new Place(`${this.path}[${show(key)}]`, this.problems)
    return new Place(this.path ? `${this.path}.${key}` : key, this.problems)
  }

  index(index: number): Place {
    return new Place(`${this.path}[${index}]`, this.problems)
  }

  /** `maxBuilds must be a positive integer, got "2"`. */
  mustBe(what: string, got: unknown): void {
    if (got === undefined) this.error(`is missing: it must be ${what}`)
    else this.error(`must be ${what}, got ${show(got)}`)
  }

  /** As mustBe, for values that nobody may read in a message. */
  mustBeUnseen(what: string, got: unknown): void {
    if (got === undefined) this.mustBe(what, got)
    else this.error(`must be ${what}, got ${showKind(got)}`)
  }

  /** `maxBuild is not an option of a static worker; did you mean "maxBuilds"?` */
  unknownOption(key: string, owner: string, options: readonly string[]): void {
    const near = closest(key, options)
    const hint = near ? `did you mean "${near}"?` : `it has ${options.join(', ')}`
    this.key(key).error(`is not an option of ${owner}; ${hint}`)
  }

  /** Continues the path as the subject of a sentence. */
  error(predicate: string): void {
    this.#add('error', ` ${predicate}`)
  }

  /** A sentence of its own after the path. */
  say(sentence: string): void {
    this.#add('error', `: ${sentence}`)
  }

  warn(sentence: string): void {
    this.#add('warning', `: ${sentence}`)
  }

  #add(severity: Problem['severity'], text: string): void {
    this.problems.push({ path: this.path, message: (this.path || 'the config') + text, severity })
  }
}
