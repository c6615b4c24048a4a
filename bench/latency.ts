import { spawn } from 'node:child_process'
import { once } from 'node:events'
import WebSocket from 'ws'
import type { MasterProcess } from '../test/helpers/master-process.ts'
import { median, type Row } from './row.ts'

const samples = 30

/** From the call of force to the event that the first bytes of the step's output are committed. */
export async function measureLatency(master: MasterProcess): Promise<Row> {
  const socket = new WebSocket(`${master.url.replace('http', 'ws')}/api/v1/events?types=log.grew`)
  await once(socket, 'open')
  const rouse: number[] = []
  const bare: number[] = []
  try {
    for (let i = 0; i < samples; i++) {
      bare.push(await bareFirstByte())
      const started = performance.now()
      const grew = once(socket, 'message')
      const id = await master.force('first-byte')
      await grew
      rouse.push(performance.now() - started)
      await master.request(id)
    }
  } finally {
    socket.terminate()
  }
  const ratio = median(rouse) / median(bare)
  return {
    claim: `latency from force to the first bytes of output (median of ${samples})`,
    measured: `${median(rouse).toFixed(1)} ms, worst ${Math.max(...rouse).toFixed(1)} ms`,
    limit: `${median(bare).toFixed(1)} ms from a bare spawn to its first byte`,
    ratio: `${ratio.toFixed(1)} times the bare spawn`,
  }
}

async function bareFirstByte(): Promise<number> {
  const started = performance.now()
  const child = spawn('echo', ['first'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  const ms = performance.now() - started
  await closed
  return ms
}
