import { shorten } from '../one-line.ts'

/**
 * Text of others as a chat shows it, character by character: no link, no markup, and nobody is called by it, since a commit
 * message may hold '@everyone' or '<!channel>'. Lines stay lines.
 */
export function plainText(text: string, limit: number): string {
  const visible = text.toWellFormed().replace(/[^\P{C}\n]/gu, '')
  return (
    shorten(visible.trim(), limit)
      // Behind it nothing is a name. Mattermost, Rocket.Chat and Discord read '@here' also without '<>'.
      .replaceAll('@', `@${nothing}`)
      // [text](address) would hide where it leads to.
      .replaceAll('](', `]${nothing}(`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  )
}

/** Takes no room: ZERO WIDTH SPACE. */
const nothing = '\u200b'
