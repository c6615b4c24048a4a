import type { ImageSpec } from './latent/images/image-spec.ts'
import type { Images } from './latent/images/images.ts'
import { messageOf } from './model/errors.ts'
import { imageHashProperty, type Provision } from './model/image.ts'
import { shell, shellOutcome } from './steps/shell.ts'
import { step, type Step, type StepContext } from './steps/step.ts'

/** The steps of the build that provisions an image. */
export function provisionSteps(spec: ImageSpec, images: () => Images): Step[] {
  return [
    ...spec.provision.map((one, index) => provisionStep(one, index)),
    // What is still to be written must be on the disk that is kept.
    shell('cd / && sync', { name: 'sync', flunkOnFailure: false, haltOnFailure: false }),
    step('store the image', (context) => store(context, spec, images())),
  ]
}

/** The steps of a build that tries an image out. */
export function testSteps(): Step[] {
  return [shell('uname -a; id; cat /etc/os-release', { name: 'say hello' })]
}

async function store(context: StepContext, spec: ImageSpec, images: Images) {
  const hash = context.properties.get(imageHashProperty)
  if (typeof hash !== 'string')
    return {
      result: 'FAILURE',
      summary: `nothing is stored: use \`rouse image build ${spec.name}\``,
    } as const
  const problem = await images
    .provisioned(spec, hash, context.build.id)
    .catch((error: unknown) => messageOf(error))
  if (problem !== undefined) return { result: 'FAILURE', summary: problem } as const
  await context.note(`the machine is shut down now and kept as ${spec.name}@${hash}`)
  return { result: 'SUCCESS', summary: `${spec.name}@${hash}` } as const
}

function provisionStep(one: Provision, index: number): Step {
  if (typeof one === 'string') return shell(one)
  if ('script' in one) {
    const path = `provision-${index + 1}`
    return step(`run ${one.script}`, async (context) => {
      const put = await context.download({ from: one.script, path, mode: 0o755 })
      if (put.exitCode !== 0) return shellOutcome(put)
      return shellOutcome(await context.command({ op: 'shell', command: [`./${path}`] }, { key: 'run' }))
    })
  }
  const { file, mode = 0o644, to } = one
  return step(`copy ${file} to ${to}`, async (context) => {
    const path = `file-${index + 1}`
    const put = await context.download({ from: file, path, mode })
    if (put.exitCode !== 0) return shellOutcome(put)
    // An absolute path is the machine's own.
    const command = ['/bin/sh', '-c', 'mkdir -p "$(dirname "$2")" && cp "$1" "$2" && chmod "$3" "$2"']
    const run = [...command, 'sh', path, to, mode.toString(8)]
    return shellOutcome(await context.command({ op: 'shell', command: run }, { key: 'copy' }))
  })
}
