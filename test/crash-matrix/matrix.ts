import { createTestDatabase } from '../helpers/database.ts'
import type { OnEnd } from '../helpers/master-process.ts'
import { Releasers } from '../../src/util/releasers.ts'
import type { Random } from '../torture/random.ts'
import { crashRun, type CrashOutcome, type CrashPoint } from './crash-run.ts'
import type { Provider } from './provider.ts'
import { shuffled } from './shuffled.ts'

export interface MatrixOptions {
  readonly start: (onEnd: OnEnd) => Promise<Provider>
  /** How many cells run at the same time. */
  readonly parallel: number
  /** So many cells, chosen by `random`; all of them without it. */
  readonly sample?: { readonly cells: number; readonly random: Random } | undefined
  readonly say: (line: string) => void
}

export interface MatrixResult {
  /** Of the whole matrix. */
  readonly cells: number
  readonly failed: readonly string[]
  readonly missed: readonly string[]
  readonly run: number
}

/**
 * Kills a master before and after everything that an undisturbed one does in the life of an instance, each in a run of its own.
 * ROUSE_MATRIX_ONLY: only cells with this in their name, such as one that has failed.
 */
export async function runMatrix(options: MatrixOptions): Promise<MatrixResult> {
  const { parallel, sample, say } = options
  const undisturbed = await runCell(options)
  if (undisturbed.mistakes.length > 0) throw new Error(`undisturbed: ${undisturbed.mistakes.join('; ')}`)
  const { crashes, points } = undisturbed
  const all = [...cellsOf(points), ...(crashes ? providersCells(points) : [])]
  const { ROUSE_MATRIX_ONLY: only } = process.env
  const wanted = only === undefined ? all : all.filter((cell) => nameOf(cell).includes(only))
  const cells = sample ? shuffled(wanted, sample.random).slice(0, sample.cells) : wanted
  if (cells.length === 0) throw new Error(`none of ${all.length} cells is to be run`)
  const failed: string[] = []
  const missed: string[] = []
  const waiting = [...cells]
  const work = async () => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const name = nameOf(cell)
      const { mistakes, reached } = await runCell(options, cell).catch((error: unknown) => ({
        mistakes: [String(error)],
        reached: true,
      }))
      if (!reached) missed.push(name)
      if (mistakes.length > 0) failed.push(`${name}: ${mistakes.join('; ')}`)
      const outcome = mistakes.length > 0 ? 'FAILED' : reached ? 'ok' : 'not reached'
      say([`${outcome}  ${name}`, ...mistakes].join('\n  '))
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return { cells: all.length, run: cells.length, failed, missed }
}

function nameOf({ nth, what, when, who }: CrashPoint): string {
  return `${who === 'provider' ? 'provider: ' : ''}${when} ${what}${nth > 1 ? ` (${nth})` : ''}`
}

/** Two for each commit and each call: before and after it. */
function cellsOf(points: CrashOutcome['points']): CrashPoint[] {
  const seen = new Map<string, number>()
  return points.flatMap((happens) => {
    for (const one of happens) seen.set(one, (seen.get(one) ?? 0) + 1)
    // What is told apart best names the commit.
    const what = happens.find((one) => / instances /.test(one)) ?? happens[0]!
    return (['before', 'after'] as const).map((when) => ({ what, nth: seen.get(what)!, when }))
  })
}

/** The provider is killed before and after each call to it. */
function providersCells(points: CrashOutcome['points']): CrashPoint[] {
  const calls = points.filter((happens) => happens.some((one) => one.startsWith('call ')))
  return cellsOf(calls).map((cell) => ({ ...cell, who: 'provider' }))
}

async function runCell({ start }: MatrixOptions, point?: CrashPoint): Promise<CrashOutcome> {
  const releasers = new Releasers()
  const onEnd: OnEnd = (release) => releasers.add('a part', async () => void (await release()))
  const database = await createTestDatabase()
  releasers.add('database', () => database.close())
  try {
    return await crashRun({ database, provider: await start(onEnd), onEnd, ...(point && { point }) })
  } finally {
    await releasers.release()
  }
}
