import { BackendError } from '../../src/latent/backend-error.ts'
import type { Engine } from './engine.ts'
import { labels } from './stamps.ts'
import { loaderLink, runtimeFolder } from './paths.ts'
import { rejectedStart } from './rejected-start.ts'
import type { RuntimeVolume } from './runtime-volume.ts'
import { tarStream } from './tar.ts'

/** What must be known of an image to run the agent in it. */
export interface ImageFacts {
  /** The Node.js that runs the agent: the image's own, or ours in the volume. */
  readonly node: string
  /** LD_LIBRARY_PATH for ours, where the image lacks libraries that it needs. */
  readonly libraries: string | undefined
  /** What starts ours. */
  readonly loader: string
  /** Whom containers run as. */
  readonly uid: number
  readonly gid: number
}

export interface Probe {
  readonly image: string
  /** How people call it. */
  readonly name: string
  readonly user: string | undefined
  readonly cluster: string
  readonly runtime: RuntimeVolume
}

/**
 * Runs a small script in a container of the image, with the image's own shell, and sees whether some Node.js starts there.
 * Throws BackendError REJECTED with the reason when the agent cannot run in it.
 */
export async function probeImage(engine: Engine, probe: Probe, until: AbortSignal): Promise<ImageFacts> {
  const signal = AbortSignal.any([until, AbortSignal.timeout(probeMs)])
  const config = {
    Image: probe.image,
    Entrypoint: ['/bin/sh', '-c', script],
    Cmd: [],
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    ...(probe.user !== undefined && { User: probe.user }),
    // One stream for what it prints.
    Tty: true,
    Labels: { [labels.cluster]: probe.cluster, [labels.helper]: 'probe' },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [probe.runtime.mount()],
      LogConfig: { Type: 'json-file', Config: {} },
    },
  }
  const what = `cannot look into image ${probe.name}`
  const container = await engine.create(what, undefined, config, signal)
  try {
    const link = {
      path: loaderLink.slice(1),
      type: 'symlink',
      target: probe.runtime.loader,
      mode: 0o777,
    } as const
    await engine.put(what, container, tarStream([link]), signal)
    await engine
      .call(what, signal, (docker) => docker.getContainer(container).start({ abortSignal: signal }))
      .catch((error: unknown) => {
        throw rejectedStart(error, probe.name) ?? error
      })
    await engine.call(what, signal, (docker) => docker.getContainer(container).wait({ abortSignal: signal }))
    const output = await engine.call(what, signal, (docker) =>
      docker.getContainer(container).logs({ stdout: true, stderr: true, tail: 200, abortSignal: signal }),
    )
    return factsOf(output.toString(), probe.name, probe.runtime.loader)
  } finally {
    await engine.removeHelper(container)
  }
}

/** Reads what the script printed. Throws BackendError REJECTED. */
export function factsOf(output: string, image: string, loader: string): ImageFacts {
  const lines = output.split(/\r?\n/)
  const value = (key: string) =>
    lines
      .find((line) => line.startsWith(`${key} `))
      ?.slice(key.length + 1)
      .trim()
  const [uid, gid] = [Number(value('uid') ?? 0), Number(value('gid') ?? 0)]
  const [, own, major] = /^(\/\S*) v(\d+)\./.exec(value('node') ?? '') ?? []
  const facts = { node: ourNode, libraries: undefined, loader, uid, gid }
  if (own !== undefined && Number(major) >= oldestNode) return { ...facts, node: own }
  const [, kind] = /^(plain|libs|whole) v\d+\./m.exec(output) ?? []
  if (kind === 'plain') return facts
  if (kind === 'libs') return { ...facts, libraries: ourLibraries }
  if (kind === 'whole') return { ...facts, libraries: `${ourGlibc}:${ourLibraries}`, loader: ourLoader }
  throw new BackendError(
    'REJECTED',
    `image ${image} cannot run the agent: ${whyNot(lines, own !== undefined ? `v${major}` : undefined)}`,
  )
}

function whyNot(lines: readonly string[], imagesNode: string | undefined): string {
  const said = lines.filter((line) => line.startsWith('error ')).map((line) => line.slice('error '.length))
  const text = lines.join('\n')
  const remedy = `install Node.js ${oldestNode} or newer in the image`
  const node =
    imagesNode === undefined ? 'it has no Node.js' : `its Node.js ${imagesNode} is older than ${oldestNode}`
  if (lines.includes('missing'))
    return `${node}, and the master has none for it (its own is for ${process.platform} on ${process.arch}); ${remedy}`
  const glibc = /version [`'"]?(GLIBC_[\d.]+)/.exec(text)?.[1]
  if (glibc)
    return `${node}, and its glibc is too old for Rouse's own, which needs ${glibc.replace('_', ' ')} (2.28 or newer); ${remedy}`
  if (lines.includes('musl'))
    return `${node}, and it is built on musl, where Rouse's own needs glibc 2.28 or newer; ${remedy}, or use an image with glibc`
  if (/exec format error/i.test(text))
    return `${node}, and it is for another processor than the master's; ${remedy}`
  return `${node}, and Rouse's own does not start in it (${said.at(-1)?.slice(0, 300) || 'no reason given'}); ${remedy}`
}

const probeMs = 60_000
const oldestNode = 20
const ourNode = `${runtimeFolder}/bin/node`
const ourLibraries = `${runtimeFolder}/lib`
const ourGlibc = `${runtimeFolder}/glibc`
const ourLoader = `${ourGlibc}/ld.so`

// Nothing but the shell itself is sure to be there. A glibc that is new enough for Node.js and too old for the libraries that we bring
// is left aside for the one that they were built with.
const script = `
while read -r key value _; do
  case $key in Uid:) echo "uid $value" ;; Gid:) echo "gid $value" ;; esac
done </proc/self/status
if own=$(command -v node 2>/dev/null); then echo "node $own $(node --version 2>&1)"; fi
ours=${ourNode}
if [ ! -e "$ours" ]; then echo missing
elif out=$("$ours" --version 2>&1); then echo "plain $out"
else
  echo "error $out"
  if out=$(LD_LIBRARY_PATH=${ourLibraries} "$ours" --version 2>&1); then echo "libs $out"
  else
    echo "error $out"
    case $out in
      *"required by $ours)"*) ;;
      *"required by ${ourLibraries}/"*)
        out=$(${ourLoader} --library-path ${ourGlibc}:${ourLibraries} "$ours" --version 2>&1) && echo "whole $out" ||
          echo "error $out" ;;
    esac
  fi
fi
for loader in /lib/ld-musl-*; do if [ -e "$loader" ]; then echo musl; fi; done
`
