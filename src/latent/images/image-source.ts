import type { InstanceFacts } from '../ledger.ts'
import type { OpenBackend } from '../open-backend.ts'

/** What the engine asks about images. */
export interface ImageSource {
  /** What the name stands for now, or why nothing can be made of it: 'waits for image debian-ci: ...'. */
  current(name: string): { readonly ref: string } | { readonly ref: undefined; readonly why: string }
  /** Ends an instance at its provider; the disk of one that has provisioned an image is kept first. */
  end(backend: OpenBackend, instance: InstanceFacts): Promise<void>
}
