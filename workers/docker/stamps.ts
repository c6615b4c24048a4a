import type { InstanceSpec } from '../../src/latent/backend.ts'

/** Labels of what Rouse makes at a Docker Engine. */
export const labels = {
  cluster: 'rouse.cluster',
  worker: 'rouse.worker',
  /** The instance's id. What has this label is an instance, or was made for one. */
  instance: 'rouse.instance',
  name: 'rouse.name',
  generation: 'rouse.generation',
  expires: 'rouse.expires',
  /** How people call the image. */
  image: 'rouse.image',
  /** What is used for a moment and then removed: 'probe', 'filler'. */
  helper: 'rouse.helper',
  /** Of an image that a container has provisioned: 'debian-ci@0123456789abcdef'. */
  kept: 'rouse.kept',
  /** The content of a volume with Node.js and the agent. */
  runtime: 'rouse.runtime',
} as const

/** What an instance and everything made for it carries. */
export function stampOf(spec: InstanceSpec<unknown>, cluster: string): Record<string, string> {
  return {
    [labels.cluster]: cluster,
    [labels.worker]: spec.worker,
    [labels.instance]: spec.id,
    [labels.name]: spec.name,
    [labels.generation]: String(spec.generation),
    [labels.expires]: spec.expiresAt.toISOString(),
  }
}
