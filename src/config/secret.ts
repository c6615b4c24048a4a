export interface Secret {
  readonly kind: 'secret'
  readonly name: string
}
