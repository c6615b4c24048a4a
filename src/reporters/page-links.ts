import type { RequestFacts } from './facts.ts'
import type { Site } from './reporter.ts'

/** Addresses of what people may want to look at. */
export const pageLinks = {
  build: ({ url }: Site, id: number) => `${url}#/builds/${id}`,
  builder: ({ url }: Site, name: string) => `${url}#/builders/${encodeURIComponent(name)}`,
  worker: ({ url }: Site, name: string) => `${url}#/workers/${encodeURIComponent(name)}`,
  artifact: ({ url }: Site, id: number) => `${url}api/v1/artifacts/${id}`,
  log: ({ url }: Site, id: number) => `${url}api/v1/logs/${id}/text`,
  /** A request without a build is shown on its builder's page. */
  request: (site: Site, { build, builder }: Pick<RequestFacts, 'build' | 'builder'>) =>
    build === null ? pageLinks.builder(site, builder) : pageLinks.build(site, build),
} as const
