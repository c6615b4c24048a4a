import { plainText } from '../plain-text.ts'
import { shorten } from '../shorten.ts'

/**
 * A stranger's text as a chat shows it, character by character: no link, no markup, and nobody is called by it, since a commit
 * message may hold '@everyone' or '<!channel>'. Lines stay lines.
 */
export function escapeText(text: string, limit: number): string {
  return (
    shorten(plainText(text).trim(), limit)
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
