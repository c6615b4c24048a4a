import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'

const config = `
const { defineMaster, localWorker, staticWorker, shell, setProperty, uploadFile, uploadDirectory, downloadFile, writeFile } = rouse
const steps = [
  writeFile('in/text.txt', (p) => 'for ' + p.get('workername') + '\\n', { mode: 0o600 }),
  writeFile('empty', ''),
  downloadFile('given.bin', 'deep/given.bin', { mode: 0o755 }),
  shell('cat in/text.txt; stat -c %a in/text.txt deep/given.bin; wc -c < empty; sha256sum deep/given.bin; ls deep'),
  uploadFile('deep/given.bin', { name: 'out/given.bin' }),
  uploadFile('empty'),
  uploadFile('in/text.txt', { type: 'text/x-mine', name: (p) => p.get('workername') + '.txt' }),
  uploadDirectory('in'),
]
export default defineMaster({
  listen,
  maxArtifactSize: 4_000_000,
  workers: [localWorker('local-1'), staticWorker('bot', { password: 'pw' })],
  builders: [
    { name: 'on-local', workers: ['local-1'], steps }, { name: 'on-bot', workers: ['bot'], steps },
    { name: 'fails', workers: ['local-1'], steps: [
      uploadFile('absent', { haltOnFailure: false }),
      shell('mkdir -p d && echo x > f && head -c 4000001 /dev/zero > large'),
      uploadFile('d', { haltOnFailure: false }),
      uploadFile('large', { haltOnFailure: false }),
      uploadFile('f', { haltOnFailure: false }),
      shell('echo y > f'),
      uploadFile('f', { haltOnFailure: false }),
      uploadDirectory('f', { haltOnFailure: false }),
      downloadFile('nothing-there', 'x', { haltOnFailure: false }),
      writeFile('../out', 'x', { haltOnFailure: false }),
      uploadFile('f', { name: () => 'twice/../../x' }),
      ] },
  ],
})`

test('files go to workers and come back as artifacts', { timeout: 120_000 }, async () => {
  const master = await startMaster({ config })
  const given = Buffer.concat(
    Array.from({ length: 3_000_000 / 4 }, (_, i) => Buffer.from([i, i >> 8, i >> 16, 7])),
  )
  const sha256 = createHash('sha256').update(given).digest('hex')
  await writeFile(join(master.dir, 'given.bin'), given)
  await master.agent('bot', 'pw')
  for (const [builder, worker] of [
    ['on-local', 'local-1'],
    ['on-bot', 'bot'],
  ] as const) {
    const request = await master.request(await master.force(builder))
    const build = request.buildIds[0]
    const text = await master.logText(build)
    expect(request.result, text).toBe('SUCCESS')
    expect(text).toContain(`for ${worker}\n600\n755\n0\n${sha256}`)
    expect(text).not.toContain('.part')
    const steps = (await master.api(`/builds/${build}/steps`)).items
    expect(steps.slice(4).map((s: any) => s.summary)).toEqual([
      'out/given.bin, 2.9 MiB',
      'empty, 0 bytes',
      expect.stringMatching(new RegExp(`^${worker}.txt, \\d+ bytes$`)),
      expect.stringMatching(/^in\.tar\.gz, \d+ bytes$/),
    ])
    const dir = join(master.dir, 'rouse-data/artifacts', String(build))
    const stored = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name))))
    expect(
      stored
        .map((bytes) => bytes.length)
        .sort((a, b) => a - b)
        .at(-1),
    ).toBe(given.length)
    expect(stored.some((bytes) => bytes.equals(given))).toBe(true)
  }
  expect(await readdir(join(master.dir, 'rouse-data/artifacts/incoming'))).toEqual([])

  const [first] = (await master.api('/builds?builder=on-bot')).items
  const { items } = await master.api(`/builds/${first.id}/artifacts`)
  expect(items.map((a: any) => [a.name, a.type])).toEqual([
    ['bot.txt', 'text/x-mine'],
    ['empty', 'application/octet-stream'],
    ['in.tar.gz', 'application/gzip'],
    ['out/given.bin', 'application/octet-stream'],
  ])
  expect(items[3]).toMatchObject({
    size: given.length,
    sha256,
    buildId: first.id,
    step: 'upload deep/given.bin',
  })
  const url = `${master.url}/api/v1/artifacts/${items[3].id}`
  const whole = await fetch(url)
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'content-disposition': `attachment; filename="given.bin"; filename*=UTF-8''given.bin`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'content-length': String(given.length),
  })
  expect(Buffer.from(await whole.arrayBuffer()).equals(given)).toBe(true)
  const part = await fetch(url, { headers: { range: 'bytes=1000-1009' } })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1009/${given.length}`])
  expect(Buffer.from(await part.arrayBuffer()).equals(given.subarray(1000, 1010))).toBe(true)
  expect((await fetch(url, { headers: { range: `bytes=${given.length}-` } })).status).toBe(416)
  expect((await fetch(`${master.url}/api/v1/artifacts/${items[1].id}`)).status).toBe(200)
  expect((await fetch(`${master.url}/api/v1/artifacts/999999`)).status).toBe(404)

  const list = await master.cli('artifacts', String(first.id))
  expect(list.stdout).toMatch(/^ *ID {2}NAME .*\n *\d+ {2}bot\.txt +8 {2}text\/x-mine/)
  const download = await master.cli('artifacts', String(first.id), '--download', 'got')
  expect(download).toMatchObject({ code: 0, stderr: '' })
  expect((await readFile(join(master.dir, 'got/out/given.bin'))).equals(given)).toBe(true)
  expect(await readFile(join(master.dir, 'got/bot.txt'), 'utf8')).toBe('for bot\n')
  const again = await master.cli('artifacts', String(first.id), '--download', 'got')
  expect(again.code).not.toBe(0)
  expect(again.stderr).toContain('artifact "bot.txt" cannot be stored: EEXIST')
  expect(await readdir(join(master.dir, 'got'))).toEqual(['bot.txt', 'empty', 'in.tar.gz', 'out'])

  const fails = await master.request(await master.force('fails'))
  const steps = (await master.api(`/builds/${fails.buildIds[0]}/steps`)).items
  const outcomes = steps
    .filter((s: any) => !/echo|mkdir/.test(s.name))
    .map((s: any) => `${s.result}: ${s.summary}`)
  expect(outcomes).toEqual([
    expect.stringMatching(/^FAILURE: ENOENT/),
    'FAILURE: it is a folder',
    'FAILURE: it has 4000001 bytes, the limit is 4000000',
    'SUCCESS: f, 2 bytes',
    'FAILURE: the build has an artifact "f" already',
    'FAILURE: it is not a folder',
    expect.stringMatching(/^FAILURE: it cannot be read on the master: ENOENT/),
    expect.stringMatching(/^FAILURE: .*leads out of the workspace/),
    expect.stringMatching(/^EXCEPTION: the name .* must be a relative path/),
  ])
  expect(await readdir(join(master.dir, 'rouse-data/artifacts', String(fails.buildIds[0])))).toHaveLength(1)
})
