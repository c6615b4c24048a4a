import type { Library, Pointer } from './library.ts'

/** A connection to libvirt, opened when it is needed and opened again when it was lost. */
export class Connection {
  readonly library: Library
  readonly #uri: string
  #open: Pointer = null

  constructor(library: Library, uri: string) {
    this.library = library
    this.#uri = uri
  }

  /** Of the open connection. Throws LibvirtError. */
  get pointer(): Pointer {
    const { library } = this
    this.#open ??= library.check(
      `cannot connect to ${this.#uri}`,
      library.call('virConnectOpen', this.#uri),
    ) as Pointer
    return this.#open
  }

  /** Leaves a connection whose daemon is gone or was started anew, which is only found out by asking. */
  refresh(): void {
    if (this.#open === null) return
    if ((this.library.call('virConnectGetLibVersion', this.#open, [0]) as number) >= 0) return
    this.library.call('virResetLastError')
    this.library.call('virConnectClose', this.#open)
    this.#open = null
  }

  /** Calls a function that gives a pointer or a number; its first argument is the connection. */
  ask(what: string, name: Parameters<Library['call']>[0], ...args: readonly unknown[]): unknown {
    return this.library.check(what, this.library.call(name, this.pointer, ...args))
  }
}
