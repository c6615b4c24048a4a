import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { build as viteBuild } from 'vite'
import { expect, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path))

export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: browserPath!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
}

export async function buildPage(outDir: string): Promise<void> {
  await viteBuild({
    configFile: join(root, 'vite.config.ts'),
    root: join(root, 'src/ui'),
    build: { outDir },
  })
}

/** Fails the test when the page meets an error or something that its policy forbids. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ERR_CONNECTION|WebSocket|status of 503/.test(message.text()))
      complaints.push(message.text())
  })
  onTestFinished(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })
  await page.goto(url)
  return page
}

export async function waitForText(page: Page, text: string): Promise<void> {
  await page.getByText(text, { exact: false }).first().waitFor({ state: 'attached', timeout: 60_000 })
}
