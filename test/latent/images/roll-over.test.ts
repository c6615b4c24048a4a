import { expect, test } from 'vitest'
import { nextToReplace } from '../../../src/latent/images/roll-over.ts'

type Phase = 'starting' | 'live' | 'resetting' | 'ending'
const instance = (id: string, phase: Phase = 'live', places = 0) => ({ id, phase, places })
const isOutdated = (id: string) => id.startsWith('old')

test.for([
  ['nothing is outdated', [instance('new1')], undefined],
  ['an idle one goes first', [instance('old1', 'live', 1), instance('old2'), instance('new1')], 'old2'],
  ['one with builds goes when no idle one is left', [instance('old1', 'live', 1), instance('new1')], 'old1'],
  ['the only one goes', [instance('old1')], 'old1'],
  ['another one is going', [instance('old1'), instance('old2', 'ending')], undefined],
  ['its replacement is not there yet', [instance('old1'), instance('new1', 'starting')], undefined],
  ['one that is being reset waits until it is back', [instance('old1', 'resetting')], undefined],
  ['another one is being reset', [instance('old1'), instance('new1', 'resetting')], 'old1'],
] as const)('%s', ([, instances, next]) => {
  expect(nextToReplace(instances, { isOutdated, fails: false })).toBe(next)
})

test('when starts of the new image have failed, one that is there shows that it works', () => {
  const rolling = { isOutdated, fails: true }
  expect(nextToReplace([instance('old1'), instance('old2')], rolling)).toBeUndefined()
  expect(nextToReplace([instance('old1'), instance('new1')], rolling)).toBe('old1')
})
