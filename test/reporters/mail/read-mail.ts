export interface ReadMail {
  /** By their names in lower case, unfolded; encoded words are decoded. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html: string
  readonly attachments: readonly {
    readonly filename: string
    readonly type: string
    readonly content: Buffer
  }[]
}

/** The parts of a mail as a mail program sees them. */
export function readMail(raw: string): ReadMail {
  const mail = {
    headers: partOf(raw).headers,
    text: '',
    html: '',
    attachments: [] as ReadMail['attachments'][number][],
  }
  const visit = (source: string) => {
    const { body, headers } = partOf(source)
    const type = headers['content-type'] ?? 'text/plain'
    const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1]
    if (boundary) {
      for (const part of body.split(`--${boundary}`).slice(1, -1))
        visit(part.replace(/^\r\n/, '').replace(/\r\n$/, ''))
      return
    }
    const content = decode(body, headers['content-transfer-encoding'] ?? '7bit')
    const filename = /filename="?([^";]+)"?/.exec(headers['content-disposition'] ?? '')?.[1]
    if (filename) mail.attachments.push({ filename, type, content })
    else if (type.startsWith('text/html')) mail.html = content.toString('utf8').replaceAll('\r\n', '\n')
    else mail.text = content.toString('utf8').replaceAll('\r\n', '\n')
  }
  visit(raw)
  return mail
}

function partOf(source: string): { headers: Record<string, string>; body: string } {
  const end = source.indexOf('\r\n\r\n')
  const lines = source
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    headers[name] = name in headers ? `${headers[name]}\n${valueOf(line)}` : valueOf(line)
  }
  return { headers, body: source.slice(end + 4) }
}

function valueOf(line: string): string {
  const value = line.slice(line.indexOf(':') + 1).trim()
  return value
    .replaceAll(/\?= =\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : quoted(text.replaceAll('_', ' ')).toString('utf8'),
    )
}

function decode(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64')
  if (encoding === 'quoted-printable') return quoted(body.replaceAll('=\r\n', ''))
  return Buffer.from(body)
}

function quoted(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/=([\dA-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
