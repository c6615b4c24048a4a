import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import { onTestFinished } from 'vitest'
import { readMail, type ReadMail } from './read-mail.ts'

export interface ReceivedMail extends ReadMail {
  readonly from: string
  /** To whom the relay was asked to bring it. */
  readonly recipients: readonly string[]
  readonly encrypted: boolean
  readonly user: unknown
  readonly raw: string
}

export interface MailServerOptions extends SMTPServerOptions {
  readonly port?: number
  /** What the relay answers to RCPT TO: '550 no such user'; undefined: it takes it. */
  readonly refuse?: (address: string) => string | undefined
  /** What it answers once it has the whole mail; 'drop' closes the connection instead. */
  readonly answer?: (mail: ReceivedMail) => string | undefined
}

export interface MailServer {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** Connections that are open. */
  open(): number
  close(): Promise<void>
}

/** A real SMTP server on 127.0.0.1 that keeps what it gets; ended with the test. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { answer, port: wanted = 0, refuse, ...more } = options
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    hideSTARTTLS: more.secure !== true && more.key === undefined,
    logger: false,
    ...more,
    onRcptTo: (address, _session, done) => done(replyOf(refuse?.(address.address))),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const mail = receivedOf(Buffer.concat(chunks).toString('utf8'), session)
        const reply = answer?.(mail)
        mails.push(mail)
        if (reply === 'drop') cut(server)
        else done(replyOf(reply))
      })
    },
  })
  // What a client does wrong is seen by the client.
  server.on('error', () => {})
  await new Promise<void>((resolve) => {
    server.listen(wanted, '127.0.0.1', resolve)
  })
  const close = () => new Promise<void>((resolve) => server.close(resolve))
  onTestFinished(close)
  const { port } = server.server.address() as AddressInfo
  return { port, mails, open: () => server.connections.size, close }
}

function receivedOf(raw: string, session: SMTPServerSession): ReceivedMail {
  const { mailFrom, rcptTo } = session.envelope
  return {
    ...readMail(raw),
    raw,
    from: mailFrom ? mailFrom.address : '',
    recipients: rcptTo.map(({ address }) => address),
    encrypted: session.secure,
    user: session.user,
  }
}

function replyOf(reply: string | undefined): Error | undefined {
  if (reply === undefined) return undefined
  const [code, ...words] = reply.split(' ')
  return Object.assign(new Error(words.join(' ')), { responseCode: Number(code) })
}

function cut(server: SMTPServer): void {
  for (const connection of server.connections) {
    const { _socket: socket } = connection as unknown as { _socket: { destroy(): void } }
    socket.destroy()
  }
}
