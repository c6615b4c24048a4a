/** This master lets go of the build as it is; the next one takes it up. */
export class Detached extends Error {
  override readonly name = 'Detached'
}
