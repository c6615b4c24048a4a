import type { AgentLink, AgentLinkEvents, MasterLinkEvents } from '../protocol/link.ts'
import type { Fleet } from './fleet.ts'
import type { Worker } from './worker.ts'

/** Connects an agent in this process to the fleet: what each side sends arrives at the other in a later turn. */
export function connectLocal(
  fleet: Fleet,
  worker: Worker,
  attach: (link: AgentLink) => AgentLinkEvents,
): () => void {
  let open = true
  const toMaster = (deliver: (end: MasterLinkEvents) => void) => {
    if (open) setImmediate(() => deliver(masterEnd))
  }
  const toAgent = (deliver: (end: AgentLinkEvents) => void) => {
    if (open) setImmediate(() => deliver(agentEnd))
  }
  const close = (reason: string) => {
    if (!open) return
    toMaster((end) => end.closed(reason))
    toAgent((end) => end.closed(reason))
    open = false
  }
  const masterEnd: MasterLinkEvents = fleet.accept(
    worker,
    {
      send: (message) => toAgent((end) => end.message(message)),
      sendFile: (frame) => toAgent((end) => end.file(frame)),
      ping: async () => open,
      close,
    },
    { address: 'this process' },
  )
  const agentEnd: AgentLinkEvents = attach({
    send: (message) => toMaster((end) => end.message(message)),
    sendOutput: (frame) => toMaster((end) => end.output(frame)),
    sendFile: (frame) => toMaster((end) => end.file(frame)),
    bufferedAmount: 0,
    close,
  })
  return () => close('the master is stopping')
}
