import { expect, test } from 'vitest'
import { runNode } from '../helpers/run-node.ts'

const cwd = new URL('../..', import.meta.url).pathname
const imports = [
  './src/index.ts',
  ...['docker', 'ec2', 'libvirt', 'openstack'].map((kind) => `./workers/${kind}/index.ts`),
]

test('what configs import loads no library that is only needed to send a mail or to call a provider', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({
      load(url, context, next) {
        const [, name] = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? []
        if (name) loaded.add(name)
        return next(url, context)
      },
    })
    await Promise.all(${JSON.stringify(imports)}.map((path) => import(path)))
    console.log(JSON.stringify([...loaded]))`
  const { stderr, stdout } = await runNode(['--input-type=module', '--eval', script], { cwd })
  expect(stderr).toBe('')
  const loaded = JSON.parse(stdout) as string[]
  expect(loaded.filter((name) => /nodemailer|aws|smithy|dockerode|koffi|^pg|fastify/.test(name))).toEqual([])
})
