import type { InstanceId } from '../../src/latent/backend.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Look } from './looks.ts'
import { isDeleting, isOver, type Server } from './server.ts'
import { stamps } from './stamps.ts'

/** What the last look and the answers since then have shown: a stop need not ask again. Nothing in it is needed for being right. */
export class Sightings {
  readonly #clock: Clock
  readonly #cluster: string
  /** Milliseconds for which an answer counts although looks do not show the server. */
  readonly #kept: number
  #servers = new Map<string, Server>()
  readonly #answers = new Map<string, { readonly server: Server; readonly at: number }>()
  /** Servers that Nova has agreed to delete, and when. */
  readonly #ended = new Map<string, { at: number; readonly first: number }>()

  constructor({ clock, cluster, kept }: { clock: Clock; cluster: string; kept: number }) {
    this.#clock = clock
    this.#cluster = cluster
    this.#kept = kept
  }

  /** The cluster's servers that are not over. */
  get refs(): readonly string[] {
    return [...this.#servers.keys()]
  }

  /** The bearers of an id, those that are being deleted too. */
  of(id: InstanceId): readonly Server[] {
    return [...this.#servers.values()].filter(({ metadata }) => metadata[stamps.instance] === id)
  }

  /** The bearers of an id that nobody has deleted. */
  living(id: InstanceId): readonly Server[] {
    return this.of(id).filter((server) => !isDeleting(server) && !this.#ended.has(server.ref))
  }

  /** From the answer to a start, which no look need show yet. */
  answerOf(id: InstanceId): Server | undefined {
    for (const { server } of this.#answers.values())
      if (server.metadata[stamps.instance] === id && !this.#ended.has(server.ref)) return server
    return undefined
  }

  add(server: Server): void {
    this.#answers.set(server.ref, { server, at: this.#clock.now() })
    this.#servers.set(server.ref, server)
  }

  forget({ ref }: Server): void {
    this.#answers.delete(ref)
    this.#servers.delete(ref)
  }

  look({ begun, servers }: Look): void {
    const ours = servers.filter((one) => one.metadata[stamps.cluster] === this.#cluster && !isOver(one))
    this.#servers = new Map(ours.map((server) => [server.ref, server]))
    for (const [ref, { at, server }] of this.#answers) {
      if (begun - at > this.#kept) this.#answers.delete(ref)
      else if (!this.#servers.has(ref)) this.#servers.set(ref, server)
    }
    for (const [ref, { at }] of this.#ended)
      if (!this.#servers.has(ref) && begun - at > this.#kept) this.#ended.delete(ref)
  }

  ended({ ref }: Server): void {
    const now = this.#clock.now()
    this.#ended.set(ref, { at: now, first: this.#ended.get(ref)?.first ?? now })
  }

  wasEnded(ref: string): boolean {
    return this.#ended.has(ref)
  }

  /** Milliseconds since Nova has agreed to delete it the last time, and the first time. */
  sinceEnded({ ref }: Server): { last: number; first: number } | undefined {
    const ended = this.#ended.get(ref)
    const now = this.#clock.now()
    return ended && { last: now - ended.at, first: now - ended.first }
  }
}
