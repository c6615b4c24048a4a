import { messageOf } from '../model/errors.ts'
import { decodeFromAgent, encodeControl } from '../protocol/control.ts'
import { decodeFileFrame, encodeFileFrame, isFileFrame } from '../protocol/file-frame.ts'
import type { AgentLink, AgentLinkEvents } from '../protocol/link.ts'
import { decodeOutputFrame } from '../protocol/output-frame.ts'
import { backoff } from '../util/backoff.ts'
import { systemClock } from '../util/clock.ts'
import type { Log } from './log.ts'
import { keepSupervisor } from './process/keep-supervisor.ts'
import type { RawLink, RemoteSupervisor } from './process/remote-supervisor.ts'

export interface LocalAgentOptions {
  readonly baseDir: string
  readonly log: Log
  /** Connects an agent's end to the master in this process. Returns what closes the connection. */
  readonly connect: (attach: (link: AgentLink) => AgentLinkEvents) => () => void
}

export interface LocalAgent {
  /** Leaves running commands to their supervisor, where the next master finds them; an idle supervisor ends. */
  detach(): Promise<void>
  /** Ends every command and the supervisor. */
  close(): Promise<void>
}

/**
 * The agent of a local worker: its connector lives in the master, and its supervisor is a process of its own that goes on when
 * the master is killed. Resolves when it is connected for the first time. Throws ROUSE_AGENT_BASE_DIR and
 * ROUSE_AGENT_BASE_DIR_IN_USE.
 */
export async function openLocalAgent(options: LocalAgentOptions): Promise<LocalAgent> {
  const over = new AbortController()
  let leave: 'detach' | 'close' = 'detach'
  let connected!: () => void
  const ready = new Promise<void>((resolve) => (connected = resolve))
  const running = keepSupervisor({ ...options, signal: over.signal }, async (supervisor) => {
    const gone = new AbortController()
    void supervisor.lost.then(() => gone.abort())
    await stayConnected(supervisor, options, AbortSignal.any([over.signal, gone.signal]), connected)
    await (gone.signal.aborted || leave === 'close' ? supervisor.close() : supervisor.detach())
  })
  running.catch((error: unknown) => options.log.error(`a local worker has ended: ${messageOf(error)}`))
  await Promise.race([ready, running])
  const end = (how: typeof leave) => {
    leave = how
    over.abort()
    return running
  }
  return { detach: () => end('detach'), close: () => end('close') }
}

async function stayConnected(
  supervisor: RemoteSupervisor,
  { connect }: LocalAgentOptions,
  signal: AbortSignal,
  connected: () => void,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const since = performance.now()
    const closed = new Promise<void>((resolve) => {
      const close = connect((link) => attach(supervisor, link, resolve))
      if (signal.aborted) close()
      else signal.addEventListener('abort', close, { once: true })
    })
    connected()
    await closed
    if (performance.now() - since > settledMs) failures = 0
    await systemClock.sleep(backoff(failures, { initial: 100, max: 10_000 }), signal).catch(() => {})
  }
}

function attach(supervisor: RemoteSupervisor, link: AgentLink, onClosed: () => void): AgentLinkEvents {
  const raw: RawLink = {
    sendText: (text) => link.send(decodeFromAgent(text.toString())),
    sendBinary: (bytes) =>
      isFileFrame(bytes) ? link.sendFile(decodeFileFrame(bytes)) : link.sendOutput(decodeOutputFrame(bytes)),
    get bufferedAmount() {
      return link.bufferedAmount
    },
    close: (reason) => link.close(reason),
  }
  const events = supervisor.attach(raw)
  return {
    message: (message) => events.text(encodeControl(message)),
    file: (frame) => events.binary(encodeFileFrame(frame)),
    closed: (reason) => {
      events.closed(reason)
      onClosed()
    },
  }
}

const settledMs = 10_000
