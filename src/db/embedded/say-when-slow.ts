import { systemClock } from '../../util/clock.ts'

/** Says its sentence once, and only when more than a second has gone by. */
export function sayWhenSlow(progress: (sentence: string) => void): (sentence: string) => void {
  const usual = systemClock.now() + 1000
  let said = false
  return (sentence) => {
    if (said || systemClock.now() < usual) return
    said = true
    progress(sentence)
  }
}
