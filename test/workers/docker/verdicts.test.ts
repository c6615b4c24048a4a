import { expect, test } from 'vitest'
import { dockerIgnore } from '../../../workers/docker/docker-ignore.ts'
import { explainFailure } from '../../../workers/docker/engine-error.ts'
import { withoutHeaders } from '../../../workers/docker/failure-detail.ts'
import { memoryBytes } from '../../../workers/docker/memory-bytes.ts'
import { factsOf } from '../../../workers/docker/probe-image.ts'

const ours = '/rouse/runtime/bin/node'

const image = '/lib64/ld.so'
const libraries = '/rouse/runtime/lib'
const glibc = '/rouse/runtime/glibc'

test.each([
  [
    'its own Node.js',
    'uid 5\ngid 6\nnode /usr/bin/node v20.1.0\nplain v24.1.0',
    '/usr/bin/node',
    undefined,
    image,
  ],
  [
    'ours, where its own is too old',
    'uid 5\ngid 6\nnode /usr/bin/node v18.1.0\nplain v24.1.0',
    ...[ours, undefined, image],
  ],
  ['ours, where it has none', 'uid 5\r\ngid 6\r\nplain v24.1.0\r\n', ours, undefined, image],
  [
    'ours with our libraries, where it has none',
    'uid 5\ngid 6\nerror libstdc++.so.6: cannot open\nlibs v24.1.0',
    ...[ours, libraries, image],
  ],
  [
    'ours with the glibc of our libraries, where its own is too old for them',
    'uid 5\ngid 6\nerror libstdc++.so.6: cannot open\nerror not found\nwhole v24.1.0',
    ...[ours, `${glibc}:${libraries}`, `${glibc}/ld.so`],
  ],
  [
    'ours, where its own is broken',
    'uid 5\ngid 6\nnode /usr/bin/node Segmentation fault\nplain v24.1.0',
    ...[ours, undefined, image],
  ],
])('the agent runs on %s', (_, output, node, libraries, loader) => {
  expect(factsOf(output, 'app:1', '/lib64/ld.so')).toEqual({ node, libraries, loader, uid: 5, gid: 6 })
})

test.each([
  [
    'an old glibc',
    "error /rouse/runtime/bin/node: /lib64/libc.so.6: version `GLIBC_2.28' not found (required by /rouse/runtime/bin/node)",
    /no Node\.js, and its glibc is too old for Rouse's own, which needs GLIBC 2\.28/,
  ],
  ['musl', 'error /bin/sh: /rouse/runtime/bin/node: not found\nmusl', /built on musl/],
  [
    'musl with an old Node.js',
    'node /usr/bin/node v16.0.0\nerror not found\nmusl',
    /its Node\.js v16 is older than 20, and it is built on musl/,
  ],
  [
    'another processor',
    'error /rouse/runtime/bin/node: Exec format error',
    /for another processor than the master's/,
  ],
  ['a master that is no Linux', 'missing', /the master has none for it/],
  ['something else', 'error Illegal instruction', /does not start in it \(Illegal instruction\)/],
  ['silence', '', /no reason given/],
])('an image that cannot run the agent is rejected with the reason: %s', (_, output, reason) => {
  expect(() => factsOf(output, 'app:1', '/lib64/ld.so')).toThrow(
    expect.objectContaining({ code: 'REJECTED', message: expect.stringMatching(reason) as string }) as Error,
  )
})

test.each([
  ['write /var/lib/docker/x: no space left on device'],
  [
    'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
  ],
  ['toomanyrequests: You have reached your pull rate limit'],
  ['fork/exec /usr/bin/runc: resource temporarily unavailable'],
])('an engine that has run out of something has no capacity: %s', (message) => {
  const failure = explainFailure({ statusCode: 500, json: { message } }, 'cannot start dock/1', 'unix:///s')
  expect(failure).toMatchObject({ code: 'CAPACITY', message: `cannot start dock/1: ${message}` })
})

test.each([
  ['ENOENT', 'there is no such socket. Is Docker installed and running?'],
  ['EACCES', 'permission denied. The user of the master must be in the group of the socket (docker).'],
  ['ECONNREFUSED', 'nothing listens there. Is Docker running?'],
])('an engine that cannot be reached is told with what to do: %s', (code, advice) => {
  const failure = explainFailure(Object.assign(new Error('connect'), { code }), 'x', 'unix:///s')
  expect(failure.message).toBe(`the Docker Engine at unix:///s cannot be reached: ${advice}`)
})

test('a .dockerignore leaves out what its last matching line says', () => {
  const ignored = dockerIgnore('# comment\nnode_modules\n*.log\n!keep.log\n/dist/\n**/tmp\ndocs/*.md\n')
  const paths = [
    'node_modules',
    'node_modules/a/b',
    'a/node_modules',
    'x.log',
    'a/x.log',
    'keep.log',
    'dist',
    'dist/a',
    'a/b/tmp/c',
    'docs/a.md',
    'docs/a/b.md',
  ]
  expect(paths.filter(ignored)).toEqual([
    'node_modules',
    'node_modules/a/b',
    'x.log',
    'dist',
    'dist/a',
    'a/b/tmp/c',
    'docs/a.md',
  ])
})

test('the frames of a container without terminal are taken apart, the last one may be cut', () => {
  const frame = (text: string) =>
    Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)])
  expect(
    withoutHeaders(Buffer.concat([frame('one\n'), frame('two'), frame('three').subarray(0, 10)])).toString(),
  ).toBe('one\ntwoth')
})

test('memory is bytes or a text with a unit', () => {
  expect([1024, '512m', '2g', '1.5gb', '100', '0', -1, 'x', null].map(memoryBytes)).toEqual([
    ...[1024, 536_870_912, 2_147_483_648, 1_610_612_736, 100, undefined, undefined, undefined, undefined],
  ])
})
