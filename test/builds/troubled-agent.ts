import assert from 'node:assert/strict'
import fc from 'fast-check'
import { waitFor } from '../helpers/wait-for.ts'
import { doneOf, held, outputFrame, type Core, type CoreAgent } from './test-core.ts'

/** Numbers are bytes: sent, sent once more, left out before the next ones. */
export type Move = { send: number } | { again: number } | { skip: number } | 'drop' | 'settle'

export const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ again: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ skip: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.constant('drop' as const) },
  { weight: 1, arbitrary: fc.constant('settle' as const) },
)

/** Runs one command of the builder 'one' that writes `output`, over connections that do what the moves say. */
export class TroubledAgent {
  readonly #core: Core
  readonly #output: Buffer
  #agent: CoreAgent
  #command = ''
  #sent = 0

  constructor(core: Core, output: Buffer) {
    this.#core = core
    this.#output = output
    this.#agent = core.connect('bot')
  }

  /** Fails when an ack came before its commit, or the log is not what was written. */
  async live(moves: readonly Move[]): Promise<void> {
    const request = await this.#core.force('one')
    this.#command = (await this.#agent.next('run')).command
    for (const move of moves) {
      await this.#make(move)
      // A gap is refused, and costs the connection.
      if (this.#agent.closed !== undefined) await this.#reconnect()
      const acked = this.#agent.of('ack').at(-1)?.offset ?? 0
      assert.ok(acked <= (await this.#committed()), 'an ack came before its commit')
    }
    while (this.#sent < this.#output.length) this.#sent = this.#send(this.#sent, 1000)
    this.#agent.send(doneOf(this.#command, this.#output.length))
    await this.#agent.next('forget')
    assert.equal(await this.#core.result(request), 'SUCCESS')
    assert.deepEqual(await logOf(this.#core, request), this.#output)
  }

  end(): void {
    this.#agent.drop()
  }

  async #make(move: Move): Promise<void> {
    if (move === 'drop') await this.#reconnect()
    else if (move === 'settle') await this.#settle()
    else if ('send' in move) this.#sent = this.#send(this.#sent, move.send)
    else if ('again' in move) this.#sendAgain(Math.min(move.again, this.#sent))
    else this.#send(this.#sent + move.skip, 10)
  }

  async #settle(): Promise<void> {
    await waitFor('the commit', async () => (await this.#committed()) >= this.#sent, { interval: 1 })
  }

  async #reconnect(): Promise<void> {
    this.#agent.drop()
    const { runId } = this.#agent
    this.#agent = this.#core.connect('bot', { runId, commands: [held(this.#command, this.#output.length)] })
    const { resume } = await this.#agent.next('welcome')
    this.#sent = resume[0]!.logs[0]!.bytes
    assert.equal(await this.#committed(), this.#sent, 'the agent was told to let go of what is not committed')
  }

  #sendAgain(length: number): void {
    this.#send(this.#sent - length, length)
  }

  #send(from: number, length: number): number {
    const body = this.#output.subarray(from, from + length)
    if (body.length > 0) this.#agent.output(outputFrame(this.#command, from, body))
    return from + body.length
  }

  async #committed(): Promise<number> {
    const newest = this.#core.database.db.selectFrom('logs').select('bytes').orderBy('id', 'desc')
    return (await newest.executeTakeFirstOrThrow()).bytes
  }
}

async function logOf({ database }: Core, request: number): Promise<Buffer> {
  const chunks = await database.db
    .selectFrom('log_chunks as c')
    .innerJoin('logs', 'logs.id', 'c.log_id')
    .innerJoin('steps', 'steps.id', 'logs.step_id')
    .innerJoin('builds', 'builds.id', 'steps.build_id')
    .select(['c.start', 'c.bytes', 'c.body'])
    .where('builds.request_id', '=', request)
    .orderBy('c.start')
    .execute()
  let end = 0
  for (const { body, bytes, start } of chunks) {
    assert.deepEqual([start, bytes], [end, body.length], 'the log has a gap or bytes twice')
    end += bytes
  }
  return Buffer.concat(chunks.map((chunk) => chunk.body))
}
