import { expect, test } from 'vitest'
import { size } from '../../src/ui/size.ts'

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1_536_000, '1.5 MiB'],
  [230_000_000, '219 MiB'],
  [16_000_000, '15.3 MiB'],
  [2 ** 30, '1.0 GiB'],
])('%i bytes are shown as %s', (bytes, shown) => {
  expect(size(bytes)).toBe(shown)
})
