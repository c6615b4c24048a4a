import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { secret } from '../../../src/model/secret.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { Ec2World } from './ec2-world.ts'

afterEach(() => void vi.unstubAllEnvs())

test('a role is assumed with the given credentials, and calls are signed as it', async () => {
  const asked: URLSearchParams[] = []
  const server = createServer((request, response) => {
    void request.toArray().then((parts) => {
      asked.push(new URLSearchParams(Buffer.concat(parts).toString()))
      response.writeHead(200, { 'content-type': 'text/xml' }).end(`<AssumeRoleResponse><AssumeRoleResult>
        <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role</SecretAccessKey>
        <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)

  const world = await Ec2World.open(
    {},
    {
      credentials: { accessKeyId: 'AKIDFAKE', secretAccessKey: secret('AWS') },
      assumeRole: { roleArn: 'arn:aws:iam::1:role/rouse', externalId: 'x-1' },
    },
  )
  await world.start(world.spec())
  await world.list()
  expect(asked.map((one) => Object.fromEntries(one))).toMatchObject([
    {
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::1:role/rouse',
      RoleSessionName: 'rouse',
      ExternalId: 'x-1',
    },
  ])
  expect(world.cloud.calls.map(({ key }) => key)).toEqual(['ASIAROLE', 'ASIAROLE'])
})

test('a profile of the AWS config files is used', async () => {
  const file = join(await tempDir(), 'credentials')
  await writeFile(file, '[ci]\naws_access_key_id = AKIDCI\naws_secret_access_key = secret\n')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
  const world = await Ec2World.open({}, { credentials: undefined as never, profile: 'ci' })
  await world.start(world.spec())
  expect(world.cloud.calls.map(({ key }) => key)).toEqual(['AKIDCI'])
})

test('credentials that are not there are said, and blame no template', async () => {
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
  const world = await Ec2World.open({}, { credentials: undefined as never, profile: 'ci' })
  const { code, message } = await world.refusal(world.spec())
  expect(code).toBeUndefined()
  expect(message).toMatch(/^RunInstances: the master has no credentials for AWS: /)
})
