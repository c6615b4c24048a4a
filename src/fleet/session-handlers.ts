import type { FileFrame } from '../protocol/file-frame.ts'
import type { Done, FromMaster, Hello, Want, Welcome } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import type { Worker, WorkerSession } from './worker.ts'

/** What the builds' side is told of sessions. */
export interface SessionHandlers {
  /** Resolves when `resume` may be called: the builds of the agent's commands are here, their output so far is committed. */
  ready(worker: Worker, hello: Hello): Promise<void>
  /**
   * Which of the commands that the agent still has go on, and at which offset; the others are ended. `next` is sent right
   * after the welcome.
   */
  resume(session: WorkerSession, hello: Hello): { resume: Welcome['resume']; next: FromMaster[] }
  output(session: WorkerSession, frame: OutputFrame): void
  file(session: WorkerSession, frame: FileFrame): void
  want(session: WorkerSession, message: Want): void
  done(session: WorkerSession, message: Done): void
  /** The agent asked to end; `cancel`: it does not want to wait for the builds it runs. */
  drain(session: WorkerSession, cancel: boolean): void
  /** Something changed that may let a waiting request run. */
  changed(worker: Worker): void
}

/** What the latent engine is told of the agents of its instances. */
export interface InstanceHandlers {
  /** Connected, and welcomed. */
  attached(worker: Worker): void
  detached(worker: Worker): void
  /** It wants no more builds: it agrees to end, or wants to. */
  drained(worker: Worker): void
}
