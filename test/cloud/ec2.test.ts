import { randomBytes } from 'node:crypto'
import { EC2 } from '@aws-sdk/client-ec2'
import pino from 'pino'
import { secret } from '../../src/model/secret.ts'
import { Ec2Backend } from '../../workers/ec2/ec2-backend.ts'
import { contract } from '../backends/contract/contract.ts'
import { silentServer } from '../helpers/silent-server.ts'
import { templateOf } from '../workers/ec2/open-ec2-backend.ts'

const {
  ROUSE_TEST_EC2_ENDPOINT: endpoint,
  ROUSE_TEST_EC2_REGION: region = process.env.AWS_REGION ?? (endpoint ? 'us-east-1' : undefined),
  ROUSE_TEST_EC2_AMI: givenAmi,
  ROUSE_TEST_EC2_TYPE: instanceType = 't3.micro',
  ROUSE_TEST_EC2_SUBNET: subnetId,
  ROUSE_TEST_EC2_KEEP: keep,
  /** Seconds. */
  ROUSE_TEST_EC2_LAG: lag = '15',
} = process.env

// At AWS itself it costs some cents: that is done only where an image is named.
contract('real EC2', async () => {
  if (region === undefined || (endpoint === undefined && givenAmi === undefined))
    return 'needs ROUSE_TEST_EC2_ENDPOINT, or AWS credentials, ROUSE_TEST_EC2_REGION and ROUSE_TEST_EC2_AMI'
  const ec2 = new EC2({ region, ...(endpoint !== undefined && { endpoint }) })
  const ami = givenAmi ?? (await anyImage(ec2))
  if (ami === undefined) return 'this cloud has no image: name one in ROUSE_TEST_EC2_AMI'
  const silent = await silentServer()
  const own = { ami, instanceType, ...(subnetId !== undefined && { subnetId }) }
  const open = (at: string | undefined, cluster: string) => {
    const options = { region, listLag: Number(lag), ...(at !== undefined && { endpoint: at }) }
    return Ec2Backend.open(options, {
      cluster,
      log: pino({ level: 'silent' }),
      configDir: '/',
      readSecret: () => '',
    })
  }
  const nobody = (at: string, cluster: string) =>
    Ec2Backend.open(
      { region, endpoint: at, credentials: { accessKeyId: 'x', secretAccessKey: secret('X') } },
      { cluster, log: pino({ level: 'silent' }), configDir: '/', readSecret: () => 'x' },
    )
  return {
    agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] },
    open: (cluster) => open(endpoint, cluster),
    template: templateOf(own),
    ...(keep && {
      images: {
        from: ami,
        machine: { ...templateOf(own), provisions: true },
        using: (ref: string) => templateOf({ ...own, ami: ref }),
      },
    }),
    rejected: [
      { template: templateOf({ ...own, ami: 'ami-00000000000000000' }), reason: /InvalidAMI/ },
      {
        template: templateOf({
          ...own,
          ami: { owners: ['self'], name: `no-such-${randomBytes(4).toString('hex')}` },
        }),
        reason: /no image of self matches/,
      },
    ],
    // A machine of AWS itself takes longer to shut down than these cases wait.
    ...(endpoint !== undefined && { parking: { template: templateOf({ ...own, idle: 'stop' }) } }),
    async leftover(id, cluster) {
      const Tags = Object.entries({ 'rouse.instance': id, 'rouse.cluster': cluster }).map(([Key, Value]) => ({
        Key,
        Value,
      }))
      const { AllocationId } = await ec2.allocateAddress({
        Domain: 'vpc',
        TagSpecifications: [{ ResourceType: 'elastic-ip', Tags }],
      })
      return async () => {
        const { Addresses = [] } = await ec2.describeAddresses({})
        return Addresses.some((address) => address.AllocationId === AllocationId)
      }
    },
    unreachable: (cluster) => nobody('http://127.0.0.1:1', cluster),
    silent: (cluster) => nobody(silent.url, cluster),
    async bearers(id) {
      const { Reservations = [] } = await ec2.describeInstances({
        Filters: [
          { Name: 'tag:rouse.instance', Values: [id] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
      })
      return Reservations.flatMap(({ Instances = [] }) => Instances).length
    },
    async close() {
      ec2.destroy()
      await silent.close()
    },
  }
})

async function anyImage(ec2: EC2): Promise<string | undefined> {
  for (const Owners of [['self'], ['amazon'], undefined]) {
    const { Images = [] } = await ec2.describeImages(Owners ? { Owners } : {})
    if (Images[0]?.ImageId) return Images[0].ImageId
  }
  return undefined
}
