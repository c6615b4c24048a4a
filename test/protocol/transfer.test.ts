import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFileFrame, encodeFileFrame, type FileFrame } from '../../src/protocol/file-frame.ts'
import { maxRawBytes } from '../../src/protocol/output-frame.ts'
import { FileReceiver, FileTooLarge } from '../../src/protocol/transfer/file-receiver.ts'
import { FileSender } from '../../src/protocol/transfer/file-sender.ts'

const command = randomUUID()
const encode = async (body: Buffer) => ({ codec: 'none', body }) as const
const decode = async (_: unknown, body: Buffer) => body

test('a file frame is the same after its way over the wire', () => {
  const frame = fc.record({
    command: fc.uuid(),
    codec: fc.constant('none' as const),
    offset: fc.nat({ max: Number.MAX_SAFE_INTEGER - maxRawBytes }),
    body: fc.uint8Array({ minLength: 1, maxLength: 1000 }).map((bytes) => Buffer.from(bytes)),
    last: fc.boolean(),
  })
  fc.assert(
    fc.property(frame, (fields) => {
      const sent: FileFrame = { ...fields, rawLength: fields.body.length }
      expect(decodeFileFrame(encodeFileFrame(sent))).toEqual(sent)
    }),
  )
})

test('bytes that are no file frame are refused with a reason, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const frame = decodeFileFrame(Buffer.from([2, ...bytes]))
        expect(frame.rawLength).toBeLessThanOrEqual(maxRawBytes)
      } catch (error) {
        expect((error as Error).message).not.toBe('')
      }
    }),
  )
})

test('a file arrives whole and once, wherever the connection is cut, and never more than a window is on the way', async () => {
  const sizes = fc.constantFrom(0, 1, 1000, maxRawBytes - 1, maxRawBytes, 3 * maxRawBytes + 7)
  await fc.assert(
    fc.asyncProperty(sizes, fc.infiniteStream(fc.nat(5)), async (size, dice) => {
      const content = Buffer.alloc(size, 'abcdefghijk')
      const window = maxRawBytes + 100
      const wire: FileFrame[] = []
      const written: Buffer[] = []
      const sender = new FileSender({
        command,
        source: Promise.resolve({
          read: async (offset, length) => content.subarray(offset, offset + length),
        }),
        encode,
        send: (frame) => wire.push(frame),
      })
      const receiver = new FileReceiver({
        window,
        maxBytes: size,
        decode,
        write: async (bytes) => void written.push(bytes),
        finish: async () => {},
        ask: (offset, bytes) => sender.want(offset, bytes),
      })
      let connected = false
      let arrived = false
      void receiver.finished.then(() => (arrived = true))
      let cuts = 0
      while (!arrived) {
        if (!connected) {
          wire.length = 0
          sender.restart()
          await receiver.settled
          const { bytes, offset } = receiver.next()
          sender.want(offset, bytes)
          connected = true
        }
        await new Promise((resolve) => setImmediate(resolve))
        expect(wire.reduce((sum, frame) => sum + frame.rawLength, 0)).toBeLessThanOrEqual(window)
        if (cuts < 5 && dice.next().value === 0) {
          cuts++
          connected = false
        } else for (const frame of wire.splice(0)) receiver.frame(frame)
      }
      expect(Buffer.concat(written).equals(content)).toBe(true)
      await sender.finished
    }),
    { numRuns: 60 },
  )
})

test('a file that is larger than allowed, or comes unasked, is not taken', async () => {
  const receive = (maxBytes: number) =>
    new FileReceiver({
      window: 100,
      maxBytes,
      decode,
      write: async () => {},
      finish: async () => {},
      ask: () => {},
    })
  const frame = (offset: number, length: number, last = false): FileFrame => ({
    command,
    codec: 'none',
    offset,
    rawLength: length,
    last,
    body: Buffer.alloc(length),
  })
  const large = receive(50)
  large.frame(frame(0, 51))
  await expect(large.finished).rejects.toThrow(FileTooLarge)
  expect(() => receive(1000).frame(frame(0, 101))).toThrow('more of a file than was asked for')
  expect(() => receive(1000).frame(frame(1, 10))).toThrow('a file with a gap')
  const ended = receive(1000)
  ended.frame(frame(0, 10, true))
  expect(() => ended.frame(frame(10, 10))).toThrow('after its end')
})
