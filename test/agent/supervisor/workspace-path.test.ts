import { expect, test } from 'vitest'
import { operationPath, workspaceFolder } from '../../../src/agent/supervisor/workspace-path.ts'

test.each([
  ['builder/0', '/base/builder/0'],
  ['builder', '/base/builder'],
  ['..name/0', '/base/..name/0'],
  ['a/../b', '/base/b'],
])('the workspace %s is %s', (workspace, folder) => {
  expect(workspaceFolder('/base', workspace)).toBe(folder)
})

test.each([
  '..',
  '../base2',
  '/etc',
  '/base/builder',
  '.',
  'a/..',
  'a/../..',
  '.rouse',
  '.rouse/commands',
  'x/../.rouse',
  'a\0b',
])('the workspace %j is refused', (workspace) => {
  expect(() => workspaceFolder('/base', workspace)).toThrow('is not a workspace below the base dir')
})

test.each([
  ['src', '/base/b/0/src'],
  ['.', '/base/b/0'],
  ['src/../lib/', '/base/b/0/lib'],
  ['..hidden', '/base/b/0/..hidden'],
  ['/etc/hosts', '/etc/hosts'],
  ['/a/../b', '/b'],
])('the path %s of an operation is %s', (path, full) => {
  expect(operationPath('/base/b/0', path)).toBe(full)
})

test.each(['..', '../1', 'src/../../1', '../../..', 'x\0'])('the path %j is refused', (path) => {
  expect(() => operationPath('/base/b/0', path)).toThrow(/leads out of the workspace|NUL/)
})
