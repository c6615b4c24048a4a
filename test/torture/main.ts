import { parseArgs } from 'node:util'
import { Releasers } from '../../src/util/releasers.ts'
import { torture } from './torture.ts'
import { verdict } from './verdict.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: '300' },
    builds: { type: 'string', default: '200' },
  },
})
const seed = Number(values.seed)
const releasers = new Releasers()
const say = (sentence: string) => void process.stdout.write(`${new Date().toISOString()} ${sentence}\n`)
say(`seed ${seed}, ${values.builds} builds, ${values.seconds} s`)
try {
  const tortured = await torture({
    seed,
    builds: Number(values.builds),
    seconds: Number(values.seconds),
    onEnd: (release) => releasers.add('torture', release),
    say,
  })
  const broken = await verdict(tortured)
  say(`harm done: ${JSON.stringify(tortured.harm)}`)
  for (const sentence of broken) say(`BROKEN: ${sentence}`)
  say(
    broken.length === 0
      ? `all ${tortured.jobs.length} builds kept every promise`
      : `${broken.length} promises broken`,
  )
  if (broken.length > 0) process.exitCode = 1
} finally {
  await releasers.release()
}
