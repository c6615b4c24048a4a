import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { tarStream, type TarEntry } from '../../../workers/docker/tar.ts'
import { madeOnce } from '../made-once.ts'
import { programOf, type DockerEngine } from './docker-engine.ts'

/** Debian with git and bash, and no Node.js. */
export const plainImage = 'rouse-test/plain:1'
/** Debian 11: glibc 2.31, and neither Node.js nor libstdc++. */
export const olderImage = 'rouse-test/older:1'
/** A Debian as a cloud gives it, but without kernel and systemd: wget, no Node.js, no account beside the usual ones. */
export const bareImage = 'rouse-test/bare:1'
/** `plainImage` with Node.js in /usr/local/bin, a user `builder` (1234:1234) and JAVA_HOME. */
export const nodeImage = 'rouse-test/node:1'
/** BusyBox on musl, without Node.js. */
export const muslImage = 'rouse-test/musl:1'
/** One static file, no shell. */
export const emptyImage = 'rouse-test/empty:1'

/** Makes an image on the engine from Debian packages and files of this machine; a text says why that is not possible. */
export async function makeImage(engine: DockerEngine, image: string): Promise<string | undefined> {
  if (await hasImage(engine, image)) return undefined
  return await makers[image]!(engine)
}

const makers: Readonly<Record<string, (engine: DockerEngine) => Promise<string | undefined>>> = {
  async [plainImage](engine) {
    const tar = await debianTar(suite, [...base, 'git', 'tar', 'gzip'])
    if (tar === undefined) return "needs Debian's mmdebstrap"
    await importImage(engine, plainImage, createReadStream(tar))
    return undefined
  },

  async [bareImage](engine) {
    const tar = await debianTar(suite, ['wget', 'iproute2'], 'minbase')
    if (tar === undefined) return "needs Debian's mmdebstrap"
    await importImage(engine, bareImage, createReadStream(tar))
    return undefined
  },

  async [olderImage](engine) {
    const tar = await debianTar('bullseye', base)
    if (tar === undefined) return "needs Debian's mmdebstrap"
    await importImage(engine, olderImage, createReadStream(tar))
    return undefined
  },

  async [nodeImage](engine) {
    const missing = await makeImage(engine, plainImage)
    if (missing) return missing
    const container = await engine.docker.createContainer({
      Image: plainImage,
      Entrypoint: ['/bin/sh'],
      HostConfig: { NetworkMode: 'none' },
    })
    try {
      const libraries = ['libstdc++.so.6', 'libgcc_s.so.1'].map((name) =>
        fileEntry(`/usr/lib/${triplet}/${name}`, `usr/lib/${triplet}/${name}`),
      )
      const files = [fileEntry(process.execPath, 'usr/local/bin/node'), ...libraries]
      const home: TarEntry = { path: 'home/builder', type: 'directory', mode: 0o755, uid: 1234, gid: 1234 }
      await container.putArchive(tarStream([...files, home]), { path: '/' })
      const [repo, tag] = nodeImage.split(':')
      await container.commit({ repo, tag, changes: 'ENV JAVA_HOME=/opt/java' })
    } finally {
      await container.remove({ force: true })
    }
    return undefined
  },

  async [muslImage](engine) {
    const loader = { x64: '/lib/ld-musl-x86_64.so.1', arm64: '/lib/ld-musl-aarch64.so.1' }[
      process.arch as string
    ]
    const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))
    if (!loader || !existsSync(loader) || !busybox) return "needs Debian's musl and busybox-static"
    const links = ['sh', 'ls', 'cat', 'sleep', 'id'].map((name): TarEntry => {
      return { path: `bin/${name}`, type: 'symlink', target: 'busybox', mode: 0o777 }
    })
    const files = [fileEntry(busybox, 'bin/busybox'), fileEntry(loader, loader.slice(1))]
    await importImage(engine, muslImage, tarStream([...files, ...links]))
    return undefined
  },

  async [emptyImage](engine) {
    await importImage(engine, emptyImage, tarStream([{ path: 'hello', mode: 0o644, content: 'hello\n' }]))
    return undefined
  },
}

async function hasImage({ docker }: DockerEngine, image: string): Promise<boolean> {
  return await docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    )
}

async function importImage({ docker }: DockerEngine, image: string, tar: Readable): Promise<void> {
  const [repo, tag] = image.split(':')
  const answer = await docker.importImage(tar, { repo, tag })
  let said = ''
  for await (const part of answer) said += String(part)
  if (said.includes('"error"')) throw new Error(`cannot import ${image}: ${said}`)
}

/** A Debian as a tar file, made once and kept for later runs. */
async function debianTar(
  release: string,
  packages: readonly string[],
  variant: 'extract' | 'minbase' = 'extract',
): Promise<string | undefined> {
  const mmdebstrap = programOf('mmdebstrap')
  if (!mmdebstrap) return undefined
  const args = [
    ...(variant === 'extract' ? unpacked : [`--variant=${variant}`]),
    `--include=${packages.join(',')}`,
    release,
  ]
  const name = variant === 'extract' ? `${release}-4.tar` : `${release}-${variant}-1.tar`
  return await madeOnce(name, (file) => makeDebian(mmdebstrap, file, args), { timeout: makeMs })
}

async function makeDebian(mmdebstrap: string, file: string, args: readonly string[]): Promise<void> {
  // By its ending mmdebstrap knows that it shall be a file.
  const making = `${file}.${process.pid}.tar`
  const options = { encoding: 'utf8', timeout: makeMs } as const
  const { error, status, stderr } = spawnSync(mmdebstrap, [...args, making], options)
  if (status === 0) await rename(making, file)
  await rm(making, { force: true })
  if (status !== 0) throw new Error(`mmdebstrap failed: ${error?.message ?? stderr.slice(-1000)}`)
}

function fileEntry(from: string, path: string): TarEntry {
  const content = readFileSync(from)
  return { path, mode: 0o755, content }
}

// Unpacked and not configured: a third of the time. What is left out is text, translations and Perl.
const hook = `cd "$1" && rm -rf usr/share/locale usr/share/man usr/share/doc usr/share/info usr/share/perl usr/lib/*/perl \
&& cp usr/share/base-passwd/passwd.master etc/passwd && cp usr/share/base-passwd/group.master etc/group \
&& echo 'builder:x:1234:1234::/home/builder:/bin/bash' >> etc/passwd && echo 'builder:x:1234:' >> etc/group`
const unpacked = ['--variant=extract', `--extract-hook=${hook}`]
const makeMs = 120_000
const suite = 'bookworm'
const base = ['base-files', 'base-passwd', 'bash', 'dash', 'coreutils', 'sed', 'grep', 'findutils', 'procps']
const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
