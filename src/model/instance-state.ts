/**
 * Where an instance is in its life. Every state but `gone` has a deadline at which it is looked at again.
 *
 *     requested ──start() returned──► starting ──its agent is there──► attached ⇄ busy ─► (resetting ─► attached)
 *         │ ▲                            │                                │         │
 *         └─┘ start() failed, again      └── deadline, failure, lost, drain, nobody wants it ──► stopping ─► gone
 *
 * `stopping` ends what carries the id again and again until two lists, at least the backend's listLag apart, show nothing.
 */
export const instanceStates = [
  'requested',
  'starting',
  'sealing',
  'attached',
  'busy',
  'resetting',
  'stopping',
  'gone',
] as const
export type InstanceState = (typeof instanceStates)[number]
