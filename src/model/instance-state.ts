/**
 * Where an instance is in its life. Every state but `gone` has a deadline at which it is looked at again.
 *
 *     requested ──start() returned──► starting ──its agent is there──► attached ⇄ busy
 *         │ ▲   │                                                         ▲        │ after each build, where it is to be pristine
 *         │ │   └─where it is sealed──► sealing ──seal() returned──► resetting ◄───┘
 *         └─┘ start() failed, again               reset() returned, and an agent is there with the new generation's token
 *
 *     attached ──idle for long enough, where idle ones are kept──► parking ──a list shows it stopped──► parked
 *     parked ──a build wants it──► resetting, with a new generation, as above
 *
 *     any of these ── deadline, failure, lost, drain, nobody wants it ──► stopping ─► gone
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
  'parking',
  'parked',
  'stopping',
  'gone',
] as const
export type InstanceState = (typeof instanceStates)[number]
