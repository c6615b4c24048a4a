import type { Filter } from '@aws-sdk/client-ec2'
import { messageOf } from '../../src/model/errors.ts'
import type { Ec2Api } from './ec2-api.ts'
import type { Urgency } from '../../src/util/call-rate.ts'
import { machineOf, type Machine } from './machine.ts'
import { tags } from './stamps.ts'

/** All machines with our tags, page by page. */
export async function findMachines(
  api: Ec2Api,
  { signal, urgency, where }: { signal: AbortSignal; urgency: Urgency; where: Filter[] },
): Promise<Machine[]> {
  const machines: Machine[] = []
  let next = ''
  do {
    const page = await api.call('DescribeInstances', { signal, urgency }, (ec2, o) =>
      ec2.describeInstances(
        { Filters: where, MaxResults: pageSize, ...(next !== '' && { NextToken: next }) },
        o,
      ),
    )
    for (const { Instances = [] } of page.Reservations ?? []) machines.push(...Instances.map(machineOf))
    next = page.NextToken ?? ''
  } while (next !== '')
  return machines
}

export function bearing(id: string, cluster: string): Filter[] {
  return [
    { Name: `tag:${tags.instance}`, Values: [id] },
    { Name: `tag:${tags.cluster}`, Values: [cluster] },
  ]
}

/** Spot instances that AWS is about to take back, by their id, with what it says. */
export async function findNotices(
  api: Ec2Api,
  machines: readonly Machine[],
  { signal, failed }: { signal: AbortSignal; failed: (message: string) => void },
): Promise<ReadonlyMap<string, string>> {
  const notices = new Map<string, string>()
  if (!machines.some(({ spot, state }) => spot && state === 'running')) return notices
  try {
    const { SpotInstanceRequests = [] } = await api.call(
      'DescribeSpotInstanceRequests',
      { signal, urgency: 'list' },
      (ec2, o) =>
        ec2.describeSpotInstanceRequests(
          { Filters: [{ Name: 'status-code', Values: ['marked-for-termination', 'marked-for-stop'] }] },
          o,
        ),
    )
    for (const { InstanceId, Status } of SpotInstanceRequests)
      if (InstanceId) notices.set(InstanceId, Status?.Message ?? Status?.Code ?? '')
  } catch (error) {
    if (signal.aborted) throw error
    // The list is worth more than the notices.
    failed(messageOf(error))
  }
  return notices
}

const pageSize = 1000
