import type { Action } from './fake-ec2.ts'
import { paged } from './instance-actions.ts'
import { matches, texts } from './query.ts'

export const imageActions: Readonly<Record<string, Action>> = {
  DescribeImages(cloud, query) {
    const owners = texts(query, 'Owner')
    const found = cloud.images.filter(
      ({ architecture, name, owner }) =>
        (owners.length === 0 || owners.includes(owner)) &&
        matches(query, {}, { architecture, name, state: 'available' }),
    )
    const { nextToken, page } = paged(cloud, query, found)
    return {
      imagesSet: page.map(({ architecture, created, id, name, owner }) => ({
        imageId: id,
        name,
        architecture,
        creationDate: created,
        imageOwnerId: owner,
        imageState: 'available',
      })),
      nextToken,
    }
  },
}
