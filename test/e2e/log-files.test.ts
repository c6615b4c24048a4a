import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { linesOf, logsOf, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const lines = 200
const config = `
const { defineMaster, staticWorker, shell } = rouse
const grow = 'i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo file $i >> build.log; echo out $i; sleep 0.05; done; until [ -e ../go ]; do sleep 0.05; done; echo last >> build.log'
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'grow', workers: ['bot'], steps: [shell(grow, { name: 'grow', logFiles: { 'build log': 'build.log' } })] }],
})`

const counted = (word: string) => Array.from({ length: lines }, (_, i) => `${word} ${i + 1}`)

test(
  'a file that a command writes is a live log of its step, whole although master and connector are killed meanwhile',
  { timeout: 120_000 },
  async () => {
    const master = await startMaster({ config })
    let agent = await master.agent('bot', 'b0t')
    const { build, request } = await startBuild(master, 'grow')
    const file = () =>
      waitFor('the log', async () => (await logsOf(master, build)).find(({ name }) => name === 'build log'))
    const grown = async (from: number) => {
      await waitFor('more of the file', async () => (await file()).bytes > from)
      return (await file()).bytes
    }
    let bytes = await grown(0)
    await master.end('SIGKILL')
    await master.start()
    bytes = await grown(bytes)
    await agent.end('SIGKILL')
    agent = await master.agent('bot', 'b0t')
    bytes = await grown(bytes)
    await master.end('SIGKILL')
    await agent.end('SIGKILL')
    await master.start()
    agent = await master.agent('bot', 'b0t')
    await grown(bytes)
    await writeFile(join(agent.baseDir, 'grow/go'), '')

    expect(await master.request(request)).toMatchObject({ result: 'SUCCESS', buildIds: [build] })
    const [output, log] = await logsOf(master, build)
    expect([output!.name, log!.name, log!.finished]).toEqual(['stdio', 'build log', true])
    const said = (await linesOf(master, output!.id)).map(({ text }) => text)
    expect(said.filter((line) => line.startsWith('out '))).toEqual(counted('out'))
    expect((await linesOf(master, log!.id)).map(({ text }) => text)).toEqual([...counted('file'), 'last'])
    expect(existsSync(join(agent.baseDir, 'grow/0/build.log'))).toBe(true)

    const { stdout } = await master.cli('logs', String(build))
    expect(stdout).toContain('── 1 grow: build log\nfile 1\nfile 2\n')
    const { stdout: only } = await master.cli('logs', String(build), '--log', 'build log')
    expect(only).toBe([...counted('file'), 'last', ''].join('\n'))
  },
)
