import { oneLine, plainText } from '../plain-text.ts'
import { html, type Html } from './html.ts'
import { spaceBefore, type Letter, type Line, type Row, type Section, type Tone } from './letter.ts'

/**
 * The letter as HTML for mail programs: styles inline, because some throw <style> away; what it holds only turns the colours for dark
 * screens. No images, no tables but those that are tables.
 */
export function letterHtml(letter: Letter): string {
  const { footer, heading, intro, label, rows, sections, subject, tone } = letter
  const page = html`<!doctype html>
    <html lang="en" dir="ltr">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>${oneLine(subject)}</title>
        <style>
          :root {
            color-scheme: light dark;
            supported-color-schemes: light dark;
          }
          @media (prefers-color-scheme: dark) {
            .back {
              background: #12151b !important;
              color: #e3e8ef !important;
            }
            .card {
              background: #1a1f28 !important;
              border-color: #2c3441 !important;
            }
            .faint {
              color: #a3aebe !important;
            }
            .line {
              border-color: #2c3441 !important;
            }
            .log {
              background: #0d1015 !important;
              border-color: #2c3441 !important;
              color: #e3e8ef !important;
            }
            a {
              color: #7ab0ff !important;
            }
            .bad {
              background: #4a1d22 !important;
              color: #ff9a9e !important;
            }
            .warn {
              background: #44320f !important;
              color: #f2b13c !important;
            }
            .good {
              background: #14392a !important;
              color: #6fd6a4 !important;
            }
            .odd {
              background: #38214d !important;
              color: #d3b2f4 !important;
            }
            .calm {
              background: #2c3441 !important;
              color: #e3e8ef !important;
            }
          }
        </style>
      </head>
      <body
        class="back"
        style="margin:0;padding:0;background:#f6f7f9;color:#1b2330;font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
      >
        <div
          class="back"
          style="max-width:680px;margin:0 auto;padding:24px 16px;background:#f6f7f9;color:#1b2330"
        >
          <main
            class="card"
            style="display:block;padding:24px;border:1px solid #e1e5eb;border-radius:10px;background:#ffffff;overflow-wrap:anywhere"
          >
            <p style="margin:0 0 10px">
              <span
                class="${tone}"
                style="display:inline-block;padding:2px 10px;border-radius:999px;font-size:13px;font-weight:700;${tones[tone]}"
                >${label}</span
              >
            </p>
            <h1 style="margin:0 0 14px;font-size:22px;line-height:1.25">${oneLine(heading)}</h1>
            ${intro.map((one) => html`<p style="margin:0 0 12px">${inline(one)}</p> `)}${rows.length > 0 && table(rows)}${sections.map(section)}
          </main>
          <footer
            class="faint"
            style="display:block;padding:14px 8px 0;color:#5b6678;font-size:13px;overflow-wrap:anywhere"
          >
            ${footer.map((one) => html`<p style="margin:0 0 4px">${inline(one)}</p> `)}
          </footer>
        </div>
      </body>
    </html> `
  return page.toString()
}

function table(rows: readonly Row[]): Html {
  return html`<table style="width:100%;margin:16px 0 0;border-collapse:collapse;font-size:14px">
    ${rows.map(
      ({ label, value }) =>
        html`<tr>
          <th
            scope="row"
            class="line faint"
            style="width:8.5em;padding:7px 12px 7px 0;border-top:1px solid #e1e5eb;color:#5b6678;font-weight:400;text-align:left;vertical-align:top"
          >
            ${label}
          </th>
          <td class="line" style="padding:7px 0;border-top:1px solid #e1e5eb;vertical-align:top">
            ${inline(value)}
          </td>
        </tr> `,
    )}
  </table> `
}

function section({ heading, items, log }: Section): Html {
  return html`<h2 style="margin:26px 0 8px;font-size:16px;line-height:1.3">${oneLine(heading)}</h2>
    ${
      items &&
      html`<ul style="margin:0;padding:0 0 0 20px;font-size:14px">
        ${items.map((item) => html`<li style="margin:0 0 5px">${inline(item)}</li> `)}
      </ul> `
    }${
      log !== undefined &&
      html`<pre
        class="log"
        style="margin:0;padding:12px 14px;border:1px solid #e1e5eb;border-radius:8px;background:#f6f7f9;color:#1b2330;font:13px/1.45 ui-monospace,'Cascadia Code','DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere"
      >
${plainText(log)}</pre> `
    }`
}

function inline(parts: Line): Html {
  const shown = parts.map((part, i) => {
    const space = spaceBefore(part, i)
    if (typeof part === 'string') return html`${space}${oneLine(part, 2000)}`
    return html`${space}<a href="${part.url}" style="color:#1d5fd1">${oneLine(part.text)}</a>`
  })
  return html`${shown}`
}

const tones: Record<Tone, string> = {
  bad: 'background:#fde8e8;color:#a81d22',
  warn: 'background:#fdf0d5;color:#805000',
  good: 'background:#dff5e8;color:#0f6b3d',
  odd: 'background:#f1e5fb;color:#6b2f9b',
  calm: 'background:#e8ebf0;color:#3d4756',
}
