import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'

const config = `
const { defineMaster, localWorker, shell, setProperty, setPropertyFromCommand, makeDir, removeDir, copyDir, removeFile, fileExists } = rouse
const many = 'for i in $(seq 1 20000); do echo "line $i warning: deprecated"; echo "fine $i"; done; printf "no newline warning: last"; printf "warning: on stderr" >&2'
export default defineMaster({
  listen,
  workers: [localWorker('local-1')],
  builders: [
    { name: 'properties', workers: ['local-1'], steps: [
      setProperty('target', (p) => 'for ' + p.get('workername')),
      setPropertyFromCommand('echo v1.2; echo', 'version'),
      setPropertyFromCommand('echo 3 4', (stdout) => { const [a, b] = stdout.trim().split(' '); return { a: Number(a), b: Number(b) } }),
      setPropertyFromCommand('echo never; exit 1', 'never', { haltOnFailure: false, flunkOnFailure: false }),
      shell((p) => 'echo "' + p.get('target') + ' ' + p.get('version') + '"') ] },
    { name: 'files', workers: ['local-1'], steps: [
      makeDir('deep/er'), shell('echo x > deep/er/file'), copyDir('deep', 'copy'), fileExists('copy/er/file'), removeFile('copy/er/file'),
      fileExists('copy/er/file', { name: 'gone', haltOnFailure: false }), fileExists('copy', { name: 'folder', haltOnFailure: false }),
      removeDir('deep'), shell('ls; ls ..; test ! -e deep') ] },
    { name: 'warnings', workers: ['local-1'], steps: [
      shell(many, { name: 'noisy', warningPattern: /WARNING: /gi }),
      shell('echo one warning: x; exit 3', { name: 'both', warningPattern: 'warning: ', haltOnFailure: false }),
      shell('echo clean', { name: 'clean', warningPattern: 'warning: ' }) ] },
  ],
})`

test('steps set properties, handle files and count warnings', { timeout: 90_000 }, async () => {
  const master = await startMaster({ config })
  const built = async (builder: string) => {
    const request = await master.request(await master.force(builder))
    const build = await master.api(`/builds/${request.buildIds[0]}`)
    const steps = (await master.api(`/builds/${build.id}/steps`)).items
    return {
      build,
      steps: steps.map((s: any) => `${s.name}: ${s.result}${s.summary ? `, ${s.summary}` : ''}`),
    }
  }

  const properties = await built('properties')
  expect(properties.build).toMatchObject({
    result: 'SUCCESS',
    properties: { target: 'for local-1', version: 'v1.2', a: 3, b: 4 },
  })
  expect(properties.build.properties).not.toHaveProperty('never')
  expect(await master.logText(properties.build.id)).toContain('for local-1 v1.2\n')

  const files = await built('files')
  expect(files.build.result).toBe('FAILURE')
  expect(files.steps).toEqual([
    'make deep/er: SUCCESS',
    'echo x > ...: SUCCESS',
    'copy deep copy: SUCCESS',
    'find copy/er/file: SUCCESS',
    'remove copy/er/file: SUCCESS',
    expect.stringMatching(/^gone: FAILURE, ENOENT/),
    'folder: FAILURE, it is not a file',
    'remove deep: SUCCESS',
    expect.stringMatching(/^ls; ls \.\.;.*SUCCESS$/),
  ])

  const warnings = await built('warnings')
  expect(warnings.steps).toEqual([
    'noisy: WARNINGS, 20002 warnings',
    'both: FAILURE, exit code 3, 1 warning',
    'clean: SUCCESS',
  ])
  expect(warnings.build.properties).toMatchObject({ 'warnings-count': 0 })
})
