import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeOutputFrame,
  encodeOutputFrame,
  maxRawBytes,
  type OutputFrame,
} from '../../src/protocol/output-frame.ts'
import { streams } from '../../src/protocol/runs.ts'

const run = fc.record({ stream: fc.constantFrom(...streams), length: fc.integer({ min: 1, max: 2000 }) })

const frame: fc.Arbitrary<OutputFrame> = fc
  .record({
    command: fc.uuid(),
    log: fc.integer({ min: 0, max: 255 }),
    codec: fc.constantFrom('none' as const, 'deflate' as const, 'zstd' as const),
    offset: fc.maxSafeNat(),
    runs: fc.array(run, { minLength: 1, maxLength: 50 }),
    body: fc.uint8Array({ minLength: 1, maxLength: 500 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ share, body, ...rest }) => {
    const rawLength = rest.runs.reduce((sum, { length }) => sum + length, 0)
    const lines = Math.floor(rawLength * share)
    return {
      ...rest,
      rawLength,
      lines,
      body: rest.codec === 'none' ? Buffer.alloc(rawLength, 'x') : Buffer.from(body.subarray(0, rawLength)),
    }
  })

test('what is encoded is decoded to the same frame', () => {
  fc.assert(
    fc.property(frame, (value) => {
      expect(decodeOutputFrame(encodeOutputFrame(value))).toEqual(value)
    }),
  )
})

test('arbitrary bytes give a frame or an Error, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodesOrThrowsPlainly(Buffer.from(bytes))),
    { numRuns: 2000 },
  )
})

test('a frame with some bytes changed, cut or added gives a frame or an Error', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(
      frame,
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: -60, max: 5 }),
      (value, changes, cut) => {
        const whole = encodeOutputFrame(value)
        const bytes =
          cut < 0
            ? whole.subarray(0, Math.max(0, whole.length + cut))
            : Buffer.concat([whole, Buffer.alloc(cut)])
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % Math.min(bytes.length, 64)] = byte
        decodesOrThrowsPlainly(bytes)
      },
    ),
    { numRuns: 1000 },
  )
})

test.each([
  ['nothing', Buffer.alloc(0), 'too short'],
  ['another type', Buffer.alloc(60, 2), 'unknown frame type 2'],
  ['more than a frame holds', Buffer.alloc(1_048_577), 'the limit is 1048576'],
])('%s is refused with a reason', (_, bytes, reason) => {
  expect(() => decodeOutputFrame(bytes)).toThrow(reason)
})

function decodesOrThrowsPlainly(bytes: Buffer): void {
  let decoded: OutputFrame
  try {
    decoded = decodeOutputFrame(bytes)
  } catch (error) {
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
    return
  }
  expect(decoded.rawLength).toBeLessThanOrEqual(maxRawBytes)
  expect(decoded.runs.reduce((sum, { length }) => sum + length, 0)).toBe(decoded.rawLength)
  expect(decoded.body.length).toBeGreaterThan(0)
  expect(decodeOutputFrame(encodeOutputFrame(decoded))).toEqual(decoded)
}
