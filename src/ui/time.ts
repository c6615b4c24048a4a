import { useEffect, useState } from 'preact/hooks'

/** Milliseconds since the epoch, anew every second while something runs, else every ten. */
export function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), isRunning ? 1000 : 10_000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}

/** '3 min ago'. */
export function ago(time: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return new Date(time).toLocaleDateString()
}

/** '1 h 02 min', '12 s', '0.4 s'. */
export function duration(from: string, to: string | number): string {
  const seconds = Math.max(0, (new Date(to).getTime() - Date.parse(from)) / 1000)
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${pad(minutes % 60)} min` : `${Math.floor(hours / 24)} days`
}

function pad(number: number): string {
  return String(Math.floor(number)).padStart(2, '0')
}
