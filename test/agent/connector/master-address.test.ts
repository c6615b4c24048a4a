import { expect, test } from 'vitest'
import { isInTheClear, masterAddress } from '../../../src/agent/connector/master-address.ts'

test.each([
  ['ws://127.0.0.1:8010', 'ws://127.0.0.1:8010/agent'],
  ['http://127.0.0.1:8010/', 'ws://127.0.0.1:8010/agent'],
  ['https://ci.example', 'wss://ci.example/agent'],
  ['https://ci.example/rouse/', 'wss://ci.example/rouse/agent'],
  ['wss://ci.example/agent', 'wss://ci.example/agent'],
  ['ws://[::1]:80', 'ws://[::1]/agent'],
  ['unix:/run/rouse/a b:c%20.sock', 'unix:/run/rouse/a b:c%20.sock'],
])('the master %s is reached at %s', (master, url) => {
  expect(masterAddress(master).href).toBe(url)
})

test.each([
  '',
  'ci.example',
  'ci.example:8010',
  'ftp://ci.example',
  'ws://bot:pw@ci.example',
  'ws://ci.example/?x=1',
  'ws://',
  'unix:',
  `unix:/${'x'.repeat(107)}`,
])('%j is no address of a master', (master) => {
  expect(() => masterAddress(master)).toThrow(expect.objectContaining({ code: 'ROUSE_USAGE' }))
})

test.each([
  ['ws://127.0.0.1:1', false],
  ['ws://127.8.8.8', false],
  ['ws://localhost', false],
  ['ws://[::1]', false],
  ['wss://ci.example', false],
  ['ws://ci.example', true],
  ['ws://10.0.0.1', true],
  ['ws://localhost.example', true],
  ['unix:/run/rouse/agents.sock', false],
])('whether a password to %s can be read on the way: %s', (url, expected) => {
  expect(isInTheClear(masterAddress(url))).toBe(expected)
})
