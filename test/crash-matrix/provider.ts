import type { MasterProcess } from '../helpers/master-process.ts'

/** What a crash matrix needs of a provider of instances. Docker's can be put in the fake's place. */
export interface Provider {
  /** Source that defines `worker`, a latent worker 'dock' with buildWaitTimeout 0. */
  readonly worker: string
  /** One after the other on the same machine. Default 1. */
  readonly builds?: number
  /** Between its builds the machine is parked, and the second finds what the first has left. */
  readonly parks?: boolean
  /** Machines that a run may make. Default 1: whatever happens, it is the same one. */
  readonly most?: number
  /** Shell that notes a word in the order of time. Default: it is written to the file $TRACE. */
  readonly tell?: (word: string) => string
  /** What was noted so. */
  readonly told?: () => string
  /** Milliseconds that a run may take until a kill, and after it. Default 60 s. */
  readonly patience?: number
  /** Called before the provider does what it was called for, and before it answers. */
  witness: (operation: string, when: 'before' | 'after') => void
  /** Machines that it has now. */
  machines(): Promise<number>
  /** Machines that it has ever made. */
  made(): number
  /** Whose agents the machines run. */
  attachTo(master: MasterProcess): void
  /** Breaks the connections of a master that was killed. */
  cut?(): void
  /** The provider's own service is killed, at once, and started again. */
  crash?(): Promise<void>
}
