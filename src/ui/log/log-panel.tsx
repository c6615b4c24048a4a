import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { ApiLog } from '../../web/api.ts'
import { Trouble } from '../parts/trouble.tsx'
import { LogText } from './log-text.tsx'
import { useLog } from './use-log.ts'

/** Pixels from the bottom within which the panel follows what is added. */
const nearBottom = 40

/** One log: its end, followed while it grows. */
export function LogPanel({ log }: { log: ApiLog }) {
  const { window, totalLines, error, isAtEnd, loadEarlier, loadEnd } = useLog(log)
  const box = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const scroll = useRef({ follows: true, first: 0, height: 0 })

  useLayoutEffect(() => {
    const element = box.current!
    const { follows, first, height } = scroll.current
    if (isAtEnd && follows) element.scrollTop = element.scrollHeight
    // Lines that came in above must not move what is being read.
    else if (window.first < first) element.scrollTop += element.scrollHeight - height
    scroll.current = { ...scroll.current, first: window.first, height: element.scrollHeight }
  }, [window, isAtEnd])

  // Blocks get their real heights only when they come into sight.
  useEffect(() => {
    const element = box.current!
    const observer = new ResizeObserver(() => {
      if (scroll.current.follows) element.scrollTop = element.scrollHeight
    })
    observer.observe(content.current!)
    return () => observer.disconnect()
  }, [])

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current!
    scroll.current.follows = scrollHeight - scrollTop - clientHeight < nearBottom
  }
  const toEnd = () => {
    scroll.current.follows = true
    loadEnd()
  }
  return (
    <div class="log">
      <div class="log-box" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off">
        {window.first > 0 && (
          <button type="button" class="more" onClick={loadEarlier}>
            Load earlier lines ({window.first.toLocaleString()} more)
          </button>
        )}
        <div ref={content}>
          <LogText lines={window.lines} />
        </div>
        {window.lines.length === 0 && <p class="empty">{totalLines === 0 ? 'No output yet.' : 'Reading…'}</p>}
        {!isAtEnd && (
          <button type="button" class="more" onClick={toEnd}>
            Jump to the end ({(totalLines - window.next).toLocaleString()} lines below)
          </button>
        )}
      </div>
      <Trouble error={error} />
      <footer class="log-foot faint">
        <span>{totalLines === 1 ? '1 line' : `${totalLines.toLocaleString()} lines`}</span>
        <a href={`./api/v1/logs/${log.id}/text`} target="_blank" rel="noreferrer">
          Whole log as text
        </a>
      </footer>
    </div>
  )
}
