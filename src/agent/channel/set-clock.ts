import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { messageOf } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import type { Log } from '../log.ts'

export interface SetClockOptions {
  /** The right time at the moment of the call, milliseconds since the epoch. */
  readonly time: number
  /** A FIFO whose reader sets the clock; for who is not root. */
  readonly fifo: string | undefined
  readonly log: Log
}

/** Sets this machine's clock when it is wrong: one that was taken back to a snapshot lives in the past. Never rejects. */
export async function setClock({ fifo, log, time }: SetClockOptions): Promise<void> {
  const begun = performance.now()
  const off = () => time + (performance.now() - begun) - Date.now()
  if (Math.abs(off()) < goodEnough) return
  const wrong = Math.round(off() / 1000)
  try {
    if (fifo !== undefined) await tell(fifo, Math.round(Date.now() + off()))
    else await run('date', ['-s', `@${Math.round((Date.now() + off()) / 1000)}`])
    // Somebody else does it.
    for (let i = 0; i < 100 && Math.abs(off()) >= goodEnough; i++) await systemClock.sleep(50)
    if (Math.abs(off()) >= goodEnough) throw new Error('it did not change')
    log.info(`the clock was set; it was wrong by ${wrong} s`)
  } catch (error) {
    log.warn(`the clock is wrong by ${wrong} s and could not be set: ${messageOf(error)}`)
  }
}

async function tell(fifo: string, time: number): Promise<void> {
  // Fails instead of waiting when nobody reads.
  const file = await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    await file.write(`${time}\n`)
  } finally {
    await file.close()
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore', timeout: 10_000 })
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code === 0 ? '' : `${command} ended with ${signal ?? code}`))
  })
  if (end) throw new Error(end)
}

/** Milliseconds. */
const goodEnough = 1500
