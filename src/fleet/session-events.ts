import type { FileFrame } from '../protocol/file-frame.ts'
import type { MasterLink, MasterLinkEvents } from '../protocol/link.ts'
import type { FromAgent, Hello } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import type { Worker, WorkerSession } from './worker.ts'

interface SessionEventsOptions {
  /** Stores the session; undefined when the agent was refused. */
  open(hello: Hello): Promise<WorkerSession | undefined>
  /** False for one that was replaced or dropped: what it still sends does not count. */
  isCurrent(session: WorkerSession): boolean
  message(session: WorkerSession, message: FromAgent): void
  output(session: WorkerSession, frame: OutputFrame): void
  file(session: WorkerSession, frame: FileFrame): void
  gone(session: WorkerSession, reason: string): void
}

/** What comes over a connection that was authenticated as the worker's. The session begins with its hello, which must come soon. */
export function sessionEvents(worker: Worker, link: MasterLink, o: SessionEventsOptions): MasterLinkEvents {
  let session: WorkerSession | undefined
  let opening = false
  let closed = false
  const helloTimer = setTimeout(() => link.close('no hello within 10 seconds'), helloDeadline)
  const begin = (hello: Hello) => {
    opening = true
    clearTimeout(helloTimer)
    o.open(hello).then(
      (made) => {
        session = made
        if (session && closed) o.gone(session, 'the connection was lost')
      },
      () => {},
    )
  }
  return {
    message: (message) => {
      if (session) return o.isCurrent(session) ? o.message(session, message) : undefined
      if (message.type !== 'hello' || opening) return link.close('the first message must be a hello')
      // The config may have changed since the login.
      if (worker.left) return link.close(whyLeft(worker))
      begin(message)
    },
    output: (frame) => {
      if (!session) return link.close('output before the welcome')
      if (o.isCurrent(session)) o.output(session, frame)
    },
    file: (frame) => {
      if (!session) return link.close('a file before the welcome')
      if (o.isCurrent(session)) o.file(session, frame)
    },
    closed: (reason) => {
      closed = true
      clearTimeout(helloTimer)
      if (session) o.gone(session, reason)
    },
  }
}

function whyLeft({ instanceId }: Worker): string {
  return instanceId === null ? 'it is no longer in the config' : 'this instance is being stopped'
}

const helloDeadline = 10_000
