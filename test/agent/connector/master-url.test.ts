import { expect, test } from 'vitest'
import { agentUrl, isInTheClear } from '../../../src/agent/connector/master-url.ts'

test.each([
  ['ws://127.0.0.1:8010', 'ws://127.0.0.1:8010/agent'],
  ['http://127.0.0.1:8010/', 'ws://127.0.0.1:8010/agent'],
  ['https://ci.example', 'wss://ci.example/agent'],
  ['https://ci.example/rouse/', 'wss://ci.example/rouse/agent'],
  ['wss://ci.example/agent', 'wss://ci.example/agent'],
  ['ws://[::1]:80', 'ws://[::1]/agent'],
])('the master %s is reached at %s', (master, url) => {
  expect(agentUrl(master).href).toBe(url)
})

test.each([
  '',
  'ci.example',
  'ci.example:8010',
  'ftp://ci.example',
  'ws://bot:pw@ci.example',
  'ws://ci.example/?x=1',
  'ws://',
])('%j is no address of a master', (master) => {
  expect(() => agentUrl(master)).toThrow(expect.objectContaining({ code: 'ROUSE_USAGE' }))
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
])('whether a password to %s can be read on the way: %s', (url, expected) => {
  expect(isInTheClear(new URL(url))).toBe(expected)
})
