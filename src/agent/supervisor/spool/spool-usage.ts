/** What the spooled output of all commands takes on disk, against its limit. */
export class SpoolUsage {
  #used = 0
  #limit: number
  readonly #onRoom = new Set<() => void>()

  /** In bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** Commands must wait. */
  get full(): boolean {
    return this.#used >= this.#limit
  }

  /** The tails of cut logs must shrink: they are not sent before their command ends, and others need room too. */
  get crowded(): boolean {
    return this.#used >= this.#limit * 0.75
  }

  set limit(bytes: number) {
    this.#limit = bytes
    this.#tellOfRoom()
  }

  add(bytes: number): void {
    this.#used += bytes
  }

  remove(bytes: number): void {
    const wasFull = this.full
    this.#used -= bytes
    if (wasFull) this.#tellOfRoom()
  }

  listen(onRoom: () => void): void {
    this.#onRoom.add(onRoom)
  }

  unlisten(onRoom: () => void): void {
    this.#onRoom.delete(onRoom)
  }

  #tellOfRoom(): void {
    if (!this.full) for (const onRoom of this.#onRoom) onRoom()
  }
}
