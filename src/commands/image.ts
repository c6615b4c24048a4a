import { Command } from 'commander'
import { RouseError } from '../model/errors.ts'
import type { ApiForceAnswer } from '../web/api.ts'
import type { ApiImage, ApiImageRemoval } from '../web/image-api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { answerForced } from './follow/answer-forced.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { plainLine } from './output/neutralise.ts'
import { colourOf } from './output/result-text.ts'
import { terminalOf } from './output/terminal.ts'
import { when } from './output/time.ts'

export function imageCommand(): Command {
  const command = withClientOptions(
    new Command('image')
      .description('list the images that workers are made of, build one, or say which is used')
      .enablePositionalOptions()
      .addHelpText('after', imageHelp)
      .action(list),
  )
  const add = (child: Command, act: (of: string, options: Options) => Promise<void>) =>
    command.addCommand(
      withClientOptions(child).action((of: string) => act(of, child.optsWithGlobals<Options>())),
    )
  const listing = new Command('list').description('list them, newest first')
  command.addCommand(withClientOptions(listing).action(() => list(listing.optsWithGlobals<Options>())))
  add(
    new Command('build')
      .description('look at what it is made of, and build it if it is not there')
      .argument('<name>')
      .option('--again', 'build it although nothing has changed')
      .option('--follow', 'wait for the build and print its log as it comes'),
    build,
  )
  add(
    new Command('test')
      .description('start an instance of it and run a command there')
      .argument('<name[@hash]>', 'the one in use, or another')
      .option('--no-follow', 'do not wait for it'),
    test,
  )
  add(
    new Command('use')
      .description('make new instances of this one, whatever the config says')
      .argument('<name[@hash]>', "without a hash: the config's again"),
    use,
  )
  add(new Command('remove').description('remove one that nothing is made of').argument('<name@hash>'), remove)
  return command
}

interface Options extends ClientOptions {
  readonly again?: boolean
  readonly follow?: boolean
}

async function list({ json, ...options }: ClientOptions): Promise<void> {
  const page = await (await openClient(options)).list<ApiImage>('/images')
  if (json) return await printJson(page)
  await printTable(page.items, imagesTable, 'no images')
}

async function build(
  name: string,
  { again = false, follow = false, json = false, ...options }: Options,
): Promise<void> {
  const client = await openClient(options)
  const image = await client.post<ApiImage>(pathOf(name, 'build'), { again }, { deadline: patience })
  if (!follow) return await answer(image, json, `image ${name}@${image.hash} is ${image.state}`)
  if (image.state === 'ready')
    return await answer(image, json, `image ${name}@${image.hash} is there already`)
  const requestId = await requestOf(client, image)
  await answerForced(client, { buildsetId: 0, requestIds: [requestId] }, { follow, json })
}

/** The master requests its build a moment later. */
async function requestOf(
  client: Awaited<ReturnType<typeof openClient>>,
  { hash, name }: ApiImage,
): Promise<number> {
  const until = Date.now() + 30_000
  while (Date.now() < until) {
    const { items } = await client.list<ApiImage>('/images')
    const id = items.find((image) => image.name === name && image.hash === hash)?.requestId
    if (id !== undefined && id !== null) return id
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new RouseError('ROUSE_MASTER_UNREACHABLE', `no build of image ${name} was begun`)
}

async function test(of: string, { follow = true, json = false, ...options }: Options): Promise<void> {
  const { hash, name } = parse(of)
  const client = await openClient(options)
  const body = hash === undefined ? {} : { hash }
  await answerForced(client, await client.post<ApiForceAnswer>(pathOf(name, 'test'), body), { follow, json })
}

async function use(of: string, { json = false, ...options }: Options): Promise<void> {
  const { hash = null, name } = parse(of)
  const client = await openClient(options)
  const image = await client.post<ApiImage>(pathOf(name, 'use'), { hash }, { repeatable: true })
  const what = hash === null ? "is the config's again" : `is ${name}@${image.hash} until you say otherwise`
  await answer(image, json, `image ${name} ${what}`)
}

async function remove(of: string, { json = false, ...options }: Options): Promise<void> {
  const { hash, name } = parse(of)
  if (hash === undefined) throw new RouseError('ROUSE_USAGE', 'which one? rouse image remove NAME@HASH')
  const client = await openClient(options)
  const removal = await client.post<ApiImageRemoval>(pathOf(name, 'remove'), { hash }, { deadline: patience })
  const sentence =
    removal.state === 'removed'
      ? `image ${of} was removed`
      : `image ${of} will be removed as soon as its provider does so; until then rouse image list says why it has not`
  await answer(removal, json, sentence)
}

async function answer(image: object, json: boolean, sentence: string): Promise<void> {
  if (json) return await printJson(image)
  await terminalOf(process.stdout).write(`${plainLine(sentence)}\n`)
}

function pathOf(name: string, action: string): string {
  return `/images/${encodeURIComponent(name)}/${action}`
}

function parse(of: string): { name: string; hash?: string } {
  const [name = '', hash, ...more] = of.split('@')
  if (name === '' || more.length > 0 || hash === '')
    throw new RouseError('ROUSE_USAGE', `this is not an image: ${of}`, { advice: 'Write NAME or NAME@HASH.' })
  return hash === undefined ? { name } : { name, hash }
}

const imagesTable: Columns<ApiImage> = ({ colours, isTTY }, now) => [
  { title: 'IMAGE', text: ({ hash, name }) => (hash === null ? name : `${name}@${hash}`) },
  { title: 'STATE', text: ({ state }) => state, colour: ({ state }) => colourOf(state, colours) },
  {
    title: 'USE',
    text: ({ inUse, pinned, wanted }) =>
      [inUse ? 'in use' : '', pinned ? 'pinned' : '', wanted ? 'wanted' : ''].filter(Boolean).join(', ') ||
      '-',
  },
  { title: 'INSTANCES', text: ({ instances }) => String(instances), align: 'right' },
  { title: 'BUILD', text: ({ buildId }) => (buildId === null ? '-' : String(buildId)), align: 'right' },
  { title: 'READY', text: ({ readyAt }) => (readyAt === null ? '-' : when(readyAt, { isTTY, now })) },
  { title: 'ERROR', text: ({ error }) => error ?? '', cut: true },
]

/** Milliseconds: the provider may have to pull what the image begins with. */
const patience = 310_000

const imageHelp = `
An image is built when the master starts or takes its config over, and then only if what it is made of has
changed. Workers that use it are replaced one by one. When a build of it fails, the old one stays in use.`
