import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { escapeHtml, html } from '../../../src/reporters/mail/html.ts'
import { letterHtml } from '../../../src/reporters/mail/letter-html.ts'
import { letterText } from '../../../src/reporters/mail/letter-text.ts'
import { foreignLink } from '../../../src/reporters/mail/links.ts'
import type { Letter, Tone } from '../../../src/reporters/mail/letter.ts'
import { hostile } from './sample-mails.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path))
const skipped = browserPath ? '' : ' (skipped: there is no Chromium on this machine)'

function letterOf(text: string, tone: Tone = 'bad'): Letter {
  return {
    subject: text,
    tone,
    label: 'FAILURE',
    heading: text,
    intro: [[{ text, url: 'https://ci.acme.example/#/builds/1' }, text]],
    rows: [{ label: 'Reason', value: [text] }],
    sections: [
      { heading: text, items: [[text, foreignLink(text, text)]] },
      { heading: 'Log', log: text },
    ],
    footer: [[text]],
  }
}

const tones: Tone[] = ['bad', 'calm', 'good', 'odd', 'warn']
const strange = fc.string({
  unit: fc.constantFrom(...Array.from('<>&"\'`=/a \n\r\t\0\x1b[m\u202e\u0085:;,.!-–')),
})

describe('what strangers wrote', () => {
  test('never becomes markup', () => {
    const skeleton = letterHtml(letterOf('x')).replaceAll('>x', '>')
    const tagsOf = (page: string) => page.match(/<[^>]*>/g)
    fc.assert(
      fc.property(fc.oneof(strange, fc.string({ unit: 'binary' })), (text) => {
        expect(tagsOf(letterHtml(letterOf(text)))).toEqual(tagsOf(skeleton))
      }),
    )
  })

  test('is escaped in text and in attributes, once', () => {
    fc.assert(
      fc.property(fc.oneof(strange, fc.string()), (text) => {
        const escaped = escapeHtml(text)
        expect(escaped).not.toMatch(/[<>"'`]/)
        expect(unescape(escaped)).toBe(text)
        expect(html`<a title="${text}">${html`${text}`}</a>`.toString()).toBe(
          `<a title="${escaped}">${escaped}</a>`,
        )
      }),
    )
    expect(html`${[1, 'a', undefined, null, false, html`<b></b>`]}`.toString()).toBe('1a<b></b>')
  })

  test('has no control characters in the plain text, and one line stays one line', () => {
    fc.assert(
      fc.property(fc.oneof(strange, fc.string({ unit: 'binary' })), (text) => {
        const letter = { ...letterOf(text), sections: [] }
        const plain = letterText(letter)
        expect(plain).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
        expect(plain.split('\n')).toHaveLength(
          letterText({ ...letterOf('x'), sections: [] }).split('\n').length,
        )
      }),
    )
  })

  test.each([
    ['https://git.acme.example/c/1', true],
    ['http://git.acme.example/c/1?a=b#c', true],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['https://x/ onclick=alert(1)', false],
    [`https://x/${'y'.repeat(1000)}`, false],
    [null, false],
  ])('%s as a link: %s', (url, isLink) => {
    expect(typeof foreignLink('text', url) === 'object').toBe(isLink)
  })
})

describe.skipIf(!browserPath)(`in a browser${skipped}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: browserPath!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
  })
  afterAll(() => browser.close())

  test.each(['light', 'dark'] as const)('every text can be read on a %s screen', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme })
    for (const tone of tones) {
      await page.setContent(letterHtml(letterOf('Some words', tone)))
      const texts = await page.evaluate<{ text: string; ratio: number }[]>(contrastScript)
      expect(texts.length).toBeGreaterThan(10)
      // WCAG 2.1 AA for text of any size.
      expect(texts.filter(({ ratio }) => ratio < 4.5)).toEqual([])
    }
    const back = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    expect(back).toBe(colorScheme === 'dark' ? 'rgb(18, 21, 27)' : 'rgb(246, 247, 249)')
    await page.close()
  })

  test('it is a page with a language, a title, headings in order, and row headers', async () => {
    const page = await browser.newPage()
    await page.setContent(letterHtml(letterOf('Some words')))
    const outline = await page.evaluate<string>(
      `[document.documentElement.lang, document.title, ...[...document.querySelectorAll('h1, h2')].map((h) => h.tagName)].join()`,
    )
    expect(outline).toBe('en,Some words,H1,H2,H2')
    expect(await page.locator('th[scope=row]').count()).toBe(1)
    expect(await page.locator('img, script, link, iframe, form').count()).toBe(0)
    await page.close()
  })

  test('nothing runs and nothing sticks out in a narrow window, whatever it says', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 700 } })
    const loaded: string[] = []
    page.on('request', (request) => loaded.push(request.url()))
    page.on('dialog', (dialog) => {
      loaded.push(dialog.message())
      void dialog.dismiss()
    })
    await page.setContent(letterHtml(letterOf(`${hostile} ${'without-an-end-'.repeat(40)}`)))
    expect(loaded).toEqual([])
    expect(await page.locator('h1').innerText()).toContain('<script>alert(1)</script>')
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(360)
    await page.close()
  })
})

/** Every element that shows a text of its own, with the contrast to what is behind it. */
const contrastScript = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor)
      if (colour.length < 4 || colour[3] > 0) return colour
    }
    return [255, 255, 255]
  }
  return [...document.body.querySelectorAll('*')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim() !== ''))
    .map((e) => {
      const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x)
      return { text: e.tagName + ': ' + e.textContent.trim().slice(0, 40), ratio: (a + 0.05) / (b + 0.05) }
    })
})()`

function unescape(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}
