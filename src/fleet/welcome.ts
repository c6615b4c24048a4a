import type { Welcome } from '../protocol/messages.ts'
import { protocolVersion } from '../protocol/version.ts'
import { outputWindow } from './session.ts'

interface Greeter {
  readonly master: { readonly id: string; readonly epoch: number; readonly version: string }
  /** Seconds. */
  readonly heartbeat: number
  readonly maxDisconnected?: number
}

/** What a master answers to an agent's hello. */
export function welcome(
  { heartbeat, master, maxDisconnected = 3600 }: Greeter,
  resume: Welcome['resume'],
): Welcome {
  const { epoch, id, version } = master
  const what = { type: 'welcome' as const, protocol: protocolVersion, version, master: id, epoch }
  return { ...what, heartbeat, window: outputWindow, maxDisconnected, resume }
}
