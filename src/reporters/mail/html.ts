/** Markup that is safe to put into more markup. Only html`...` makes it. */
export class Html {
  readonly #markup: string

  constructor(parts: TemplateStringsArray | readonly [string], values: readonly HtmlValue[]) {
    this.#markup = parts.map((part, i) => (i === 0 ? part : markupOf(values[i - 1]) + part)).join('')
  }

  toString(): string {
    return this.#markup
  }
}

export type HtmlValue = Html | string | number | undefined | null | false | readonly HtmlValue[]

/**
 * HTML with values in it: html`<b>${name}</b>`. Strings are escaped, for the text of elements and for attributes in quotes; lists are
 * joined; undefined, null and false are left out.
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(parts, values)
}

/** Text as it may stand in HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function markupOf(value: HtmlValue): string {
  if (value instanceof Html) return value.toString()
  if (Array.isArray(value)) return value.map((one: HtmlValue) => markupOf(one)).join('')
  return value === undefined || value === null || value === false ? '' : escapeHtml(String(value))
}
