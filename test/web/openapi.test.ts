import Ajv2020 from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { ask } from './ask.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const methods = ['get', 'post', 'put', 'delete', 'patch', 'head', 'options']

test('the API describes itself: every path, parameter and answer', async () => {
  const { status, json: api } = await ask(`${web().url}/api/v1/openapi.json`)
  expect(status).toBe(200)
  expect(api.openapi).toBe('3.1.0')
  expect(Object.keys(api.paths).toSorted()).toEqual([
    '/api/v1/artifacts/{id}',
    '/api/v1/builders',
    '/api/v1/builders/{name}',
    '/api/v1/builders/{name}/force',
    '/api/v1/builds',
    '/api/v1/builds/{id}',
    '/api/v1/builds/{id}/artifacts',
    '/api/v1/builds/{id}/cancel',
    '/api/v1/builds/{id}/rebuild',
    '/api/v1/builds/{id}/steps',
    '/api/v1/cluster',
    '/api/v1/cluster/adopt',
    '/api/v1/cluster/renew',
    '/api/v1/costs',
    '/api/v1/events',
    '/api/v1/health',
    '/api/v1/instances',
    '/api/v1/instances/reap',
    '/api/v1/instances/{id}',
    '/api/v1/logs/{id}/text',
    '/api/v1/master',
    '/api/v1/notices',
    '/api/v1/notices/{id}',
    '/api/v1/notices/{id}/retry',
    '/api/v1/ready',
    '/api/v1/reconfig',
    '/api/v1/requests',
    '/api/v1/requests/{id}',
    '/api/v1/requests/{id}/cancel',
    '/api/v1/steps/{id}/logs',
    '/api/v1/stop',
    '/api/v1/troubles',
    '/api/v1/workers',
    '/api/v1/workers/{name}',
    '/api/v1/workers/{name}/drain',
    '/api/v1/workers/{name}/pause',
    '/api/v1/workers/{name}/resume',
  ])
  for (const [path, item] of Object.entries<any>(api.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    for (const [method, operation] of Object.entries<any>(item)) {
      expect(methods, path).toContain(method)
      const declared = (operation.parameters ?? []).filter((p: any) => p.in === 'path')
      expect(
        declared.map((p: any) => p.name),
        path,
      ).toEqual(inPath)
      expect(Object.keys(operation.responses).length, path).toBeGreaterThan(0)
      for (const response of Object.values<any>(operation.responses))
        expect(typeof response.description).toBe('string')
    }
  }
})

test('every schema in it is a JSON schema', async () => {
  const { json: api } = await ask(`${web().url}/api/v1/openapi.json`)
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false })
  let count = 0
  const visit = (node: any): void => {
    if (typeof node !== 'object' || node === null) return
    expect(node.$ref).toBeUndefined()
    if (node.schema) {
      ajv.compile(node.schema)
      count++
    }
    for (const value of Object.values(node)) visit(value)
  }
  visit(api.paths)
  expect(count).toBeGreaterThan(30)
})
