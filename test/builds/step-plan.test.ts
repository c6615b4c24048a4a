import { expect, test } from 'vitest'
import { StepPlan } from '../../src/builds/step-plan.ts'
import { nothingStored, type StoredEffect } from '../../src/builds/stored-calls.ts'
import { step } from '../../src/steps/step.ts'

const named = (name: string) => step(name, async () => {})
const planOf = (...names: string[]) =>
  new StepPlan(names.map((name, i) => ({ id: i + 1, number: i + 1, step: named(name) })))
const namesIn = (plan: StepPlan) => [...plan].map((planned) => planned.step?.name)
const adding = (call: string, steps: readonly number[]): StoredEffect => ({
  call,
  kind: 'addSteps',
  request: null,
  result: { steps },
})

test('added steps come after the one that adds them, in the order of its calls, before what was planned', () => {
  const plan = planOf('a', 'b', 'c')
  plan.insert(1, [11, 12], [named('a1'), named('a2')])
  plan.insert(1, [], [])
  plan.insert(1, [13], [named('a3')])
  plan.insert(12, [14], [named('a2.1')])
  expect(namesIn(plan)).toEqual(['a', 'a1', 'a2', 'a2.1', 'a3', 'b', 'c'])
  expect([1, 11, 14, 13, 3].map((id) => plan.numberOf(id))).toEqual([1, 2, 4, 5, 7])
})

test('who goes through the steps meets those that are added meanwhile', () => {
  const plan = planOf('a', 'b')
  const met: string[] = []
  for (const { id, step: { name } = named('?') } of plan) {
    met.push(name)
    if (id === 1) plan.insert(1, [11], [named('a1')])
    if (id === 11) plan.insert(11, [12], [named('a1.1')])
  }
  expect(met).toEqual(['a', 'a1', 'a1.1', 'b'])
})

test('steps that an earlier master saw added are known once they are told again, and new ones come after them', () => {
  const stored = { ...nothingStored, effects: [adding('2', [12]), adding('1', [11])] }
  const plan = new StepPlan([
    { id: 1, number: 1, step: named('a'), stored },
    { id: 11, number: 2, step: undefined },
    { id: 12, number: 3, step: undefined },
    { id: 2, number: 4, step: named('b') },
  ])
  plan.define([11], [named('a1')])
  expect([plan.knows([11]), plan.knows([11, 12])]).toEqual([true, false])
  plan.define([12], [named('a2')])
  plan.insert(1, [13], [named('a3')])
  expect(namesIn(plan)).toEqual(['a', 'a1', 'a2', 'a3', 'b'])
})
