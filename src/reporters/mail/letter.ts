/** What a mail says, before it becomes text and HTML: so that both say the same. */
export interface Letter {
  readonly subject: string
  readonly tone: Tone
  /** The verdict in a word or two: 'FAILURE', 'missing'. */
  readonly label: string
  readonly heading: string
  readonly intro: readonly Line[]
  readonly rows: readonly Row[]
  readonly sections: readonly Section[]
  /** Small print. */
  readonly footer: readonly Line[]
}

export type Tone = 'bad' | 'calm' | 'good' | 'odd' | 'warn'

/**
 * Texts and links on one line, with spaces between them unless the next begins with a mark such as '.'. Texts may hold anything: how they
 * are shown safely is the renderers' business.
 */
export type Line = readonly (string | Link)[]

export interface Link {
  readonly text: string
  readonly url: string
  /** Plain text shows no address: it stands elsewhere, or few will go there. */
  readonly quiet?: true
}

export interface Row {
  readonly label: string
  readonly value: Line
}

export interface Section {
  readonly heading: string
  readonly items?: readonly Line[]
  /** The end of a log. */
  readonly log?: string
}

/** Strings and links, without what is not there. */
export function line(...parts: (string | Link | undefined | null | false)[]): Line {
  return parts.filter((part): part is string | Link => Boolean(part))
}

/** What stands between a part and the one before it. */
export function spaceBefore(part: string | Link, index: number): string {
  return index === 0 || (typeof part === 'string' && /^[.,:;)]/.test(part)) ? '' : ' '
}
