import { cpus } from 'node:os'
import { Releasers } from '../src/util/releasers.ts'
import { launchMaster } from '../test/helpers/master-process.ts'
import { waitFor } from '../test/helpers/wait-for.ts'
import { measureBuilds } from './builds.ts'
import { measureContainers } from './containers.ts'
import { measureInstances } from './instances.ts'
import { measureLatency } from './latency.ts'
import { measureLogs } from './logs.ts'
import { measureMachines } from './machines.ts'
import type { Row } from './row.ts'

const config = `
const { defineMaster, staticWorker, shell } = rouse
const log = 'yes "2026-11-20T12:00:00Z info a line of a usual length with a number 1234567890 in it" | head -c 100000000'
export default defineMaster({
  listen,
  workers: [staticWorker('bench', { password: 'bench', maxBuilds: 8 })],
  builders: [
    { name: 'trivial', workers: ['bench'], steps: [shell(['/bin/true'])] },
    { name: 'log', workers: ['bench'], steps: [shell(log)] },
    { name: 'first-byte', workers: ['bench'], steps: [shell(['echo', 'first'])] },
  ],
})`

const releasers = new Releasers()
try {
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}\n`,
  )
  const master = await launchMaster({ config }, (release) => releasers.add('bench', release))
  await master.agent('bench', 'bench')
  await waitFor('the agent', async () => (await master.api('/workers/bench')).connected)
  await master.request(await master.force('trivial'))
  for (const measure of [measureBuilds, measureLogs, measureLatency]) print(await measure(master))
  print(await measureInstances())
  const containers = await measureContainers((release) => releasers.add('bench', release))
  if (typeof containers === 'string')
    process.stdout.write(`\nlatency in Docker containers: skipped, ${containers}\n`)
  else containers.forEach(print)
  const machines = await measureMachines((release) => releasers.add('bench', release))
  if (typeof machines === 'string') process.stdout.write(`\nvirtual machines: skipped, ${machines}\n`)
  else machines.forEach(print)
} finally {
  await releasers.release()
}

function print({ claim, limit, measured, ratio }: Row): void {
  process.stdout.write(`\n${claim}\n  measured  ${measured}\n  limit     ${limit}\n  ratio     ${ratio}\n`)
}
