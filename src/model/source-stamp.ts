/** What to check out. `revision` null is the tip of the branch, `branch` null the repository's default branch. */
export interface SourceStamp {
  readonly repository: string
  readonly branch: string | null
  readonly revision: string | null
}
