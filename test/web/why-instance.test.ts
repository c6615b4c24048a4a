import { expect, test } from 'vitest'
import { latentStatus } from '../../src/web/latent-status.ts'
import { whyInstance, type InstanceStory } from '../../src/web/why-instance.ts'

const story: InstanceStory = {
  state: 'attached',
  attempt: 1,
  detail: null,
  deadline: 600_000,
  retryAt: null,
  stopReason: null,
  runningBuilds: [],
  parkings: 0,
}

test.each<[string, Partial<InstanceStory>]>([
  ['is asked for, for at most 590 s', { state: 'requested' }],
  ['its machine is shut down until a build wants it, for at most 590 s', { state: 'parking' }],
  ['its machine is stopped until a build wants it, ends in 590 s', { state: 'parked', parkings: 1 }],
  ['is being reset for its next build, for at most 590 s', { state: 'resetting' }],
  ['is waking for its next build, for at most 590 s', { state: 'resetting', parkings: 1 }],
  ['waits for its agent, for at most 590 s', { state: 'starting' }],
  [
    'attempt 3, next try in 40 s: connection refused',
    { state: 'requested', attempt: 3, retryAt: 50_000, detail: 'connection refused' },
  ],
  ['idle, stops in 590 s', {}],
  ['asks its agent to end: too old', { stopReason: 'too old' }],
  ['runs build 17', { state: 'busy', runningBuilds: [17] }],
  [
    'runs builds 17, 18, then ends: too old',
    { state: 'busy', runningBuilds: [17, 18], stopReason: 'too old' },
  ],
  [
    'it was idle for 600 s; it could not be stopped: no answer',
    { state: 'stopping', stopReason: 'it was idle for 600 s', detail: 'it could not be stopped: no answer' },
  ],
  ['too old', { state: 'gone', stopReason: 'too old', detail: 'exit code 0' }],
])('an instance says "%s"', (sentence, more) => {
  expect(whyInstance({ ...story, ...more }, 10_000)).toBe(sentence)
})

test('a latent worker counts what its instances do', () => {
  expect(latentStatus(1, [])).toBe('0 of 1 instance')
  expect(
    latentStatus(4, [
      { state: 'requested', stopReason: null },
      { state: 'busy', stopReason: 'too old' },
      { state: 'attached', stopReason: 'too old' },
      { state: 'attached', stopReason: null },
    ]),
  ).toBe('4 of 4 instances: 1 busy, 1 idle, 1 starting, 1 stopping')
})
