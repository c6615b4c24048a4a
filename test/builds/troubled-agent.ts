import assert from 'node:assert/strict'
import fc from 'fast-check'
import { waitFor } from '../helpers/wait-for.ts'
import { doneOf, held, outputFrame, type Core, type CoreAgent } from './test-core.ts'

/** Numbers are bytes of a log: sent, sent once more, left out before the next ones. */
export type Move =
  | { log: number; send: number }
  | { log: number; again: number }
  | { log: number; skip: number }
  | 'drop'
  | 'settle'

const log = fc.integer({ min: 0, max: 2 })

export const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ log, send: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ log, again: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ log, skip: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.constant('drop' as const) },
  { weight: 1, arbitrary: fc.constant('settle' as const) },
)

/** Runs one command of the builder that writes these logs, over connections that do what the moves say. */
export class TroubledAgent {
  readonly #core: Core
  readonly #builder: string
  readonly #outputs: readonly Buffer[]
  readonly #sent: number[]
  #request = 0
  #agent: CoreAgent
  #command = ''

  constructor(core: Core, builder: string, outputs: readonly Buffer[]) {
    this.#core = core
    this.#builder = builder
    this.#outputs = outputs
    this.#sent = outputs.map(() => 0)
    this.#agent = core.connect('bot')
  }

  /** Fails when an ack came before its commit, or a log is not what was written. */
  async live(moves: readonly Move[]): Promise<void> {
    this.#request = await this.#core.force(this.#builder)
    this.#command = (await this.#agent.next('run')).command
    for (const move of moves) {
      await this.#make(move)
      // A gap is refused, and costs the connection.
      if (this.#agent.closed !== undefined) await this.#reconnect()
      const acked = this.#outputs.map((_, n) => this.#acked(n))
      const committed = await this.#committed()
      for (const [n, bytes] of acked.entries())
        assert.ok(bytes <= committed[n]!, `an ack of log ${n} came before its commit`)
    }
    for (const [n, output] of this.#outputs.entries())
      while (this.#sent[n]! < output.length) this.#sent[n] = this.#send(n, this.#sent[n]!, 1000)
    this.#agent.send(doneOf(this.#command, ...this.#lengths))
    await this.#agent.next('forget')
    assert.equal(await this.#core.result(this.#request), 'SUCCESS')
    for (const [n, { id }] of (await this.#logs()).entries())
      assert.deepEqual(await bytesOf(this.#core, id), this.#outputs[n])
  }

  end(): void {
    this.#agent.drop()
  }

  get #lengths(): number[] {
    return this.#outputs.map((output) => output.length)
  }

  #acked(log: number): number {
    const acks = this.#agent.of('ack').filter((ack) => ack.log === log)
    return acks.at(-1)?.offset ?? 0
  }

  async #make(move: Move): Promise<void> {
    if (move === 'drop') return await this.#reconnect()
    if (move === 'settle') return await this.#settle()
    const n = move.log % this.#outputs.length
    const sent = this.#sent[n]!
    if ('send' in move) this.#sent[n] = this.#send(n, sent, move.send)
    else if ('again' in move) this.#send(n, sent - Math.min(move.again, sent), Math.min(move.again, sent))
    else this.#send(n, sent + move.skip, 10)
  }

  async #settle(): Promise<void> {
    const settled = async () => (await this.#committed()).every((bytes, n) => bytes >= this.#sent[n]!)
    await waitFor('the commit', settled, { interval: 1 })
  }

  async #reconnect(): Promise<void> {
    this.#agent.drop()
    const { runId } = this.#agent
    const commands = [held(this.#command, ...this.#lengths)]
    this.#agent = this.#core.connect('bot', { runId, commands })
    const { resume } = await this.#agent.next('welcome')
    for (const { bytes, log } of resume[0]!.logs) this.#sent[log] = bytes
    const message = 'the agent was told to let go of what is not committed'
    assert.deepEqual(await this.#committed(), this.#sent, message)
  }

  #send(log: number, from: number, length: number): number {
    const body = this.#outputs[log]!.subarray(from, from + length)
    if (body.length > 0) this.#agent.output(outputFrame(this.#command, from, body, log))
    return from + body.length
  }

  async #committed(): Promise<number[]> {
    return (await this.#logs()).map(({ bytes }) => bytes)
  }

  async #logs(): Promise<{ id: number; bytes: number }[]> {
    return await this.#core.database.db
      .selectFrom('logs')
      .innerJoin('steps', 'steps.id', 'logs.step_id')
      .innerJoin('builds', 'builds.id', 'steps.build_id')
      .select(['logs.id', 'logs.bytes'])
      .where('builds.request_id', '=', this.#request)
      .orderBy('logs.id')
      .execute()
  }
}

async function bytesOf({ database }: Core, log: number): Promise<Buffer> {
  const chunks = await database.db
    .selectFrom('log_chunks')
    .select(['start', 'bytes', 'body'])
    .where('log_id', '=', log)
    .orderBy('start')
    .execute()
  let end = 0
  for (const { body, bytes, start } of chunks) {
    assert.deepEqual([start, bytes], [end, body.length], 'the log has a gap or bytes twice')
    end += bytes
  }
  return Buffer.concat(chunks.map((chunk) => chunk.body))
}
