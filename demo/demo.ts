import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { place } from './place.ts'
import { closeShop, health, openShop } from './shop.ts'
import { createStack, story } from './stack.ts'

const root = join(import.meta.dirname, '..')
const failing = process.argv.slice(2).join(' ')

const say = (line: string): void => void process.stdout.write(`${line}\n`)

if (!['', '--fail health'].includes(failing)) {
  say(`"${failing}" is not known here; the demo takes nothing, or --fail health`)
  process.exitCode = 2
} else if (await isTaken(place.port)) {
  say(`port ${place.port} is taken; free it, or choose another: DEMO_PORT=8718 npm run demo`)
  process.exitCode = 2
} else {
  process.exitCode = await demo(failing !== '')
}

async function demo(failHealth: boolean): Promise<number> {
  say('A shop: some 100,000 orders in SQLite, a week of nightly backups with checksums, and an app that keeps selling.')
  const now = new Date()
  createStack(now)
  try {
    await openShop()
    say('Three hours ago a bad deployment set every third total to zero. The shop says so itself:')
    say(`  ${await health()}`)
    if (failHealth) {
      writeFileSync(place.unhealthy, '')
      say('And this time it will not be healthy on the restored data either (--fail health).')
    }
    const code = await runbook(
      'run', 'full-db-rollback', '--target', 'demo', '--bad-since', story(now).badSince.toISOString(),
      '--confirm', 'restore the demo shop', '--reason', 'a migration set totals to zero',
    )
    say('\nThe shop now:')
    say(`  ${await health()}`)
    if (failHealth) say('It is the old data again, damage included: nothing was lost, and the next attempt starts where this one did.')
    return code
  } finally {
    await closeShop()
    say(`\nThe shop is closed again. Everything that was made lies in ${relative(process.cwd(), place.folder)}/.`)
  }
}

/** The real command, as anybody would type it. */
function runbook(...args: readonly string[]): Promise<number> {
  say(`\n$ npx runbook ${args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ')}\n`)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'runbook.js'), ...args], { cwd: root, stdio: 'inherit' })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(true))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)))
  })
}
