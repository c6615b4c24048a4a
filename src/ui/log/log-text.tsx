import { Component } from 'preact'
import { cleanLine } from './clean-line.ts'
import type { LogLine } from './log-window.ts'

/** Lines of a block: one whose lines did not change is not rendered again, one out of sight is not laid out. */
const blockLines = 200

export function LogText({ lines }: { lines: readonly LogLine[] }) {
  const blocks = Map.groupBy(lines, (line) => Math.floor(line.number / blockLines))
  return (
    <>
      {[...blocks].map(([number, block]) => (
        <Block key={number} lines={block} />
      ))}
    </>
  )
}

class Block extends Component<{ lines: LogLine[] }> {
  override shouldComponentUpdate({ lines }: { lines: LogLine[] }): boolean {
    const shown = this.props.lines
    return lines.length !== shown.length || lines[0] !== shown[0] || lines.at(-1) !== shown.at(-1)
  }

  override render({ lines }: { lines: LogLine[] }) {
    const rows = Map.groupBy(lines, (line) => line.number)
    return (
      <div class="block">
        {[...rows].map(([number, parts]) => (
          <div class="line" key={number}>
            <span class="line-number" data-number={number + 1} />
            <span class="line-text">
              {parts.map(({ stream, text }) => (
                <span class={stream}>{cleanLine(text)}</span>
              ))}
            </span>
          </div>
        ))}
      </div>
    )
  }
}
