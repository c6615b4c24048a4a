import { oneLine, plainText } from '../plain-text.ts'
import { spaceBefore, type Letter, type Line, type Link, type Row, type Section } from './letter.ts'

/** The letter as plain text. */
export function letterText({ heading, intro, rows, sections, footer, label }: Letter): string {
  const title = oneLine(heading.includes(label) ? heading : `${label}: ${heading}`)
  return [
    `${title}\n${'='.repeat(Math.min(title.length, width))}`,
    ...intro.map(textOf),
    rowsText(rows),
    ...sections.map(sectionText),
    // What mail programs know as the end of what was written by hand.
    `-- \n${footer.map(textOf).join('\n')}`,
  ]
    .filter((block) => block !== '')
    .join('\n\n')
    .concat('\n')
}

function rowsText(rows: readonly Row[]): string {
  const longest = Math.max(0, ...rows.map(({ label }) => label.length))
  return rows.map(({ label, value }) => `${`${label}:`.padEnd(longest + 2)}${textOf(value)}`).join('\n')
}

function sectionText({ heading, items = [], log }: Section): string {
  const title = oneLine(heading)
  const body = [...items.map((item) => `- ${textOf(item)}`)]
  if (log !== undefined) body.push(plainText(log).replaceAll(/^/gm, '    '))
  return `${title}\n${'-'.repeat(Math.min(title.length, width))}\n${body.join('\n')}`
}

function textOf(parts: Line): string {
  return parts
    .map((part, i) => {
      return spaceBefore(part, i) + (typeof part === 'string' ? oneLine(part, 2000) : linkText(part))
    })
    .join('')
}

function linkText({ quiet, text, url }: Link): string {
  if (text === url) return url
  return quiet ? oneLine(text) : `${oneLine(text)} <${url}>`
}

const width = 72
