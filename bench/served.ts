import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, type Browser, type Page } from 'playwright-core'
import { bin } from './project.ts'

/** `runbook serve` of a project, and a browser that it has let in. */
export class Served implements AsyncDisposable {
  readonly #server: ChildProcess
  readonly #browser: Browser
  readonly #page: Page
  readonly #address: string

  private constructor(server: ChildProcess, browser: Browser, page: Page, address: string) {
    this.#server = server
    this.#browser = browser
    this.#page = page
    this.#address = address
  }

  /** @param executablePath of Chromium */
  static async open(folder: string, executablePath: string): Promise<Served> {
    const server = spawn(process.execPath, [bin, 'serve', '--port', '0'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const lines = createInterface({ input: server.stdout })
      const [link] = (await Promise.race([once(lines, 'line'), once(server, 'exit')])) as [unknown]
      if (typeof link !== 'string') throw new Error(`runbook serve ended with ${String(link)}`)
      // Root cannot use Chromium's sandbox; the pages are our own.
      const browser = await chromium.launch({ executablePath, chromiumSandbox: false })
      const page = await browser.newPage()
      await page.goto(link)
      return new Served(server, browser, page, new URL(link).origin)
    } catch (thrown) {
      server.kill()
      throw thrown
    }
  }

  /** Opens a page. @returns its text, and the milliseconds until its first contents were painted */
  async visit(path: string): Promise<{ readonly text: string; readonly painted: number }> {
    const response = await this.#page.goto(`${this.#address}${path}`)
    if (response?.status() !== 200) throw new Error(`${path} answered ${String(response?.status())}`)
    const painted = await this.#page.evaluate<number>(`new Promise((resolve) =>
      new PerformanceObserver((list) => {
        for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime)
      }).observe({ type: 'paint', buffered: true }))`)
    return { text: await this.#page.innerText('body'), painted }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    const ended = once(this.#server, 'exit')
    if (this.#server.exitCode === null && this.#server.kill()) await ended
  }
}
