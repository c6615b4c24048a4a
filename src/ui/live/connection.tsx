import { createContext, type ComponentChildren } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { EventStream, type LiveEvent } from './event-stream.ts'

const Stream = createContext<EventStream | undefined>(undefined)
const Connected = createContext(true)

/** Gives the parts below one event stream. */
export function Connection({ children }: { children: ComponentChildren }) {
  const [stream, setStream] = useState<EventStream>()
  const [connected, setConnected] = useState(true)
  useEffect(() => {
    const opened = new EventStream(setConnected)
    setStream(opened)
    return () => opened.close()
  }, [])
  return (
    <Stream.Provider value={stream}>
      <Connected.Provider value={connected}>{children}</Connected.Provider>
    </Stream.Provider>
  )
}

export function useConnection(): boolean {
  return useContext(Connected)
}

/** Calls `listener` with every event; it must not change from one rendering to the next without need. */
export function useEvents(listener: (event: LiveEvent) => void): void {
  const stream = useContext(Stream)
  useEffect(() => stream?.listen(listener), [stream, listener])
}
