/** Whether users may set this header: it has a plain name and is none that Rouse or the MIME parts write. */
export function isFreeHeader(name: string): boolean {
  return /^[A-Za-z][A-Za-z\d-]{0,75}$/.test(name) && !ours.test(name)
}

/** Of every mail: no reply by machines, please. */
export const automatic: Readonly<Record<string, string>> = {
  'Auto-Submitted': 'auto-generated',
  'X-Auto-Response-Suppress': 'All',
}

const ours =
  /^(?:auto-submitted|bcc|cc|content-.*|date|dkim-signature|from|in-reply-to|list-id|message-id|mime-version|received|references|reply-to|return-path|sender|subject|to|x-auto-response-suppress)$/i
