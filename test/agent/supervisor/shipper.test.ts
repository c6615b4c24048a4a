import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputLog } from '../../../src/agent/supervisor/output-log.ts'
import { Shipper } from '../../../src/agent/supervisor/shipper.ts'
import { SpoolUsage } from '../../../src/agent/supervisor/spool/spool-usage.ts'
import { decodeBody } from '../../../src/builds/decode-body.ts'
import type { AgentLink } from '../../../src/protocol/link.ts'
import type { FromAgent } from '../../../src/protocol/messages.ts'
import type { OutputFrame } from '../../../src/protocol/output-frame.ts'
import type { CommandResult } from '../../../src/protocol/operation.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const window = 2000
const logs = [0, 1]

/** The master's end: takes what comes in order, and has committed some of it. */
class Receiver {
  readonly bytes = logs.map(() => Buffer.alloc(0))
  readonly committed = logs.map(() => 0)
  done: Extract<FromAgent, { type: 'done' }> | undefined
  /** What no honest agent would do. */
  readonly wrong: string[] = []
  #taking: Promise<unknown> = Promise.resolve()

  link(): AgentLink & { cut: boolean } {
    const link = {
      cut: false,
      bufferedAmount: 0,
      send: (message: FromAgent) => {
        if (!link.cut && message.type === 'done') this.done = message
      },
      sendOutput: (frame: OutputFrame) => {
        if (!link.cut) this.#take(frame)
      },
      close: (reason: string) => void this.wrong.push(reason),
    }
    return link as unknown as AgentLink & { cut: boolean }
  }

  /** What has come so far is read. */
  async settled(): Promise<void> {
    await this.#taking
  }

  #take({ body, codec, log, offset, rawLength }: OutputFrame): void {
    this.#taking = this.#taking.then(async () => {
      const had = this.bytes[log]!
      if (offset !== had.length) this.wrong.push(`log ${log}: ${offset} instead of ${had.length}`)
      const raw = await decodeBody(codec, body)
      if (raw.length !== rawLength) this.wrong.push(`${raw.length} bytes instead of ${rawLength}`)
      this.bytes[log] = Buffer.concat([had, raw])
      const onTheWay = logs.reduce((sum, i) => sum + this.bytes[i]!.length - this.committed[i]!, 0)
      if (onTheWay > window) this.wrong.push(`${onTheWay} bytes on the way`)
    })
  }
}

const log = fc.constantFrom(...logs)
const move = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    log,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 1500 }),
  }),
  fc.record({ do: fc.constant('ack' as const), log, part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  // The next connection's master has committed this part of what it had got.
  fc.record({ do: fc.constant('cut' as const), kept: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20) }),
)

test('whatever is written, acknowledged and cut when, the next connection goes on where the master is, and each byte comes once', async () => {
  const property = fc.asyncProperty(fc.array(move, { maxLength: 25 }), async (moves) => {
    const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
    const usage = new SpoolUsage(1e9)
    const outputs = logs.map((i) => new OutputLog({ path: `${folder}/${i}-`, usage }))
    const command = { id: 'c', logs: outputs, result: null as CommandResult | null }
    const written = logs.map(() => Buffer.alloc(0))
    const receiver = new Receiver()
    let link = receiver.link()
    const ship = () =>
      new Shipper(command as never, link, { offsets: receiver.bytes.map((b) => b.length), window })
    let shipper = ship()
    const ack = (i: number, part: number) => {
      const from = receiver.committed[i]!
      receiver.committed[i] = from + Math.floor((receiver.bytes[i]!.length - from) * part)
      shipper.ack(i, receiver.committed[i])
    }
    try {
      for (const one of moves) {
        await receiver.settled()
        if (one.do === 'write') {
          outputs[one.log]!.append('stdout', Buffer.from(one.bytes))
          written[one.log] = Buffer.concat([written[one.log]!, one.bytes])
        } else if (one.do === 'ack') ack(one.log, one.part)
        else if (one.do === 'wait') await delay(one.ms)
        else {
          link.cut = true
          shipper.stop()
          await receiver.settled()
          for (const i of logs) {
            ack(i, one.kept)
            receiver.bytes[i] = receiver.bytes[i]!.subarray(0, receiver.committed[i])
          }
          link = receiver.link()
          shipper = ship()
        }
      }
      for (const output of outputs) output.finish()
      command.result = { exitCode: 0, signal: null, reason: null }
      shipper.poke()
      await waitFor(
        'the result',
        async () => {
          await receiver.settled()
          for (const i of logs) ack(i, 1)
          return receiver.done !== undefined
        },
        { interval: 5 },
      )
      expect(receiver.wrong).toEqual([])
      expect(receiver.bytes.map((all) => all.toString('hex'))).toEqual(
        written.map((all) => all.toString('hex')),
      )
      expect(receiver.done).toMatchObject({
        command: 'c',
        logs: written.map(({ length }, i) => ({ log: i, bytes: length })),
      })
    } finally {
      shipper.stop()
      for (const output of outputs) output.close()
      await rm(folder, { recursive: true })
    }
  })
  await fc.assert(property, { numRuns: 40 })
})
