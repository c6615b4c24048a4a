import { expect, test } from 'vitest'
import { checkConfig } from '../../src/config/check-config.ts'
import { image } from '../../src/config/image.ts'
import { shell } from '../../src/steps/shell.ts'
import { dockerWorker } from '../../workers/docker/index.ts'
import { libvirtWorker } from '../../workers/libvirt/index.ts'

const ci = image('debian-ci', { from: 'debian:12', provision: ['apt-get update', { script: './a.sh' }] })
const dock = dockerWorker('dock', { image: ci })

test('an image that a worker uses has no mistakes', () => {
  expect(said({ images: [ci], workers: [dock] })).toEqual([])
  expect(Object.isFrozen(ci)).toBe(true)
})

test('mistakes of images are told with their places', () => {
  const images = [
    image('Debian CI', { from: '', provision: [] }),
    image('debian-ci', {
      from: 'debian:12',
      provision: [shell('x') as never, { file: 'a', to: 'etc/a' }],
      keep: -1,
    }),
    { name: 'x' } as never,
  ]
  const found = said({ images, workers: [dock] })
  expect(found).toEqual([
    expect.stringMatching(/^images\[0\]\.name must be a name of lower-case letters, .*, got "Debian CI"/),
    expect.stringMatching(/^images\[0\]\.from must be a string that is not empty/),
    expect.stringMatching(/^images\[0\]\.provision must be an array with at least one step/),
    expect.stringMatching(/^images\[1\]\.provision\[0\] must be a line of shell, /),
    expect.stringMatching(/^images\[1\]\.provision\[1\]\.to must be an absolute path/),
    expect.stringMatching(/^images\[1\]\.keep must be an integer of 0 or more, got -1/),
    expect.stringMatching(/^images\[2\] must be an image such as image\(/),
    expect.stringMatching(/^images\[0\]: no worker uses image "Debian CI"/),
    expect.stringMatching(/^images\[2\]: no worker uses image "x"/),
  ])
})

test('a worker that names an image that is not there gets a hint', () => {
  const worker = dockerWorker('dock', { image: image('debian-c') })
  expect(said({ images: [ci], workers: [worker, { ...dock, name: 'other' }] })).toEqual([
    'workers[0].image: worker "dock" names image "debian-c"; did you mean "debian-ci"?',
  ])
  expect(said({ workers: [dock] })).toEqual([
    'workers[0].image: worker "dock" names image "debian-ci"; put it into `images` of the config',
  ])
})

test('one image is for workers of one backend', () => {
  const virt = libvirtWorker('virt', { image: ci })
  expect(said({ images: [ci], workers: [dock, virt] })).toEqual([
    expect.stringMatching(
      /^workers\[1\]\.image: image "debian-ci" is used by worker "dock" on docker .*libvirt qemu/,
    ),
  ])
})

function said(config: { images?: readonly unknown[]; workers: readonly { name: string }[] }): string[] {
  const workers = config.workers.map(({ name }) => name)
  const builders = [{ name: 'unit', workers, steps: [shell('true')] }]
  return checkConfig({ ...config, builders }).map(({ message }) => message)
}
