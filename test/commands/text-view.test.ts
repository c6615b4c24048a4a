import pc from 'picocolors'
import { expect, test } from 'vitest'
import { TextView } from '../../src/commands/follow/text-view.ts'
import { ProgressLine } from '../../src/commands/output/progress-line.ts'
import type { Terminal } from '../../src/commands/output/terminal.ts'
import type { ApiBuild, ApiStep } from '../../src/web/api.ts'

test('a reason to wait is told again only when it has changed, and a countdown is no change', async () => {
  const pipe = recorder({ isTTY: false })
  const progress = new ProgressLine(pipe)
  for (const text of [
    'waits 12 s',
    'waits 11 s',
    'waits 9.5 s',
    'bot-1 is busy',
    'bot-2 is busy',
    'bot-2 is busy',
  ])
    await progress.show(text, ' passing')
  await progress.clear()
  expect(pipe.text()).toBe('waits 12 s\nbot-1 is busy\nbot-2 is busy\n')
})

test('a progress line fits the terminal and is rewritten in place', async () => {
  const terminal = recorder({ isTTY: true, width: 12 })
  const progress = new ProgressLine(terminal)
  await progress.show('waits for ever', ' · 3 s')
  await progress.show('\x1b[2Jbusy')
  await progress.clear()
  await progress.clear()
  expect(terminal.text()).toBe('\r\x1b[Kwaits for …\r\x1b[K^[[2Jbusy\r\x1b[K')
})

test('steps that did not go well say how, and a skipped step is one line', async () => {
  const out = recorder({ isTTY: false })
  const view = new TextView({ out, err: recorder({ isTTY: false }), headers: true, announce: false })
  const steps = [
    { ...step, number: 0, result: 'SUCCESS' },
    { ...step, number: 1, result: 'FAILURE', summary: 'exit code 2' },
    { ...step, number: 2, result: 'SKIPPED', startedAt: null, finishedAt: null },
  ] as const
  for (const each of steps) {
    await view.stepStarted(build, each)
    await view.stepFinished(build, each)
  }
  expect(out.text()).toBe('── 0 x\n── 1 x\n── 1 x: FAILURE (exit code 2) after 3.0 s\n── 2 x: SKIPPED\n')
})

test('a colour that a log has left on ends with an interrupt, and lines begin at the left', async () => {
  const out = recorder({ isTTY: true, colours: true })
  const err = recorder({ isTTY: true })
  const view = new TextView({ out, err, headers: true, announce: true })
  const log = { id: 1, stepId: 1, name: 'stdio', bytes: 5, lines: 0, finished: false }
  await view.log({ build, step, log }, Buffer.from('\x1b[31mred'))
  await view.lost(new Error('refused'))
  await view.interrupted(12)
  expect(out.text()).toBe('\x1b[31mred\x1b[0m')
  expect(err.text()).toBe(
    '\nconnection lost, waiting for the master (refused)\n' +
      '\nrequest r12 still waits; to end it: rouse cancel r12\n',
  )
})

interface Recorder extends Terminal {
  text(): string
}

function recorder({
  isTTY,
  width = 80,
  colours = false,
}: {
  isTTY: boolean
  width?: number
  colours?: boolean
}): Recorder {
  const written: Uint8Array[] = []
  return {
    isTTY,
    width: isTTY ? width : Infinity,
    colours: pc.createColors(colours),
    write: async (data) => void written.push(Buffer.from(data as string)),
    text: () => Buffer.concat(written).toString(),
  }
}

const step: ApiStep = {
  id: 1,
  buildId: 17,
  number: 0,
  name: 'x',
  state: 'finished',
  result: null,
  summary: null,
  startedAt: '2026-01-02T03:04:05.000Z',
  finishedAt: '2026-01-02T03:04:08.000Z',
}
const build = { id: 17 } as ApiBuild
