import { parentPort, workerData } from 'node:worker_threads'
import { LineCounter, type PatternParts } from './line-counter.ts'

const { pattern, streams } = workerData as { pattern: PatternParts; streams: number }
const expression = new RegExp(pattern.source, pattern.flags)
const newCounters = () => Array.from({ length: streams }, () => new LineCounter(expression))
let counters = newCounters()

parentPort!.on('message', (parts: readonly Uint8Array[] | null) => {
  if (parts) {
    for (const [i, { buffer }] of parts.entries()) counters[i]!.add(Buffer.from(buffer))
    return parentPort!.postMessage(0)
  }
  const count = counters.reduce((sum, counter) => sum + counter.end(), 0)
  counters = newCounters()
  parentPort!.postMessage(count)
})
