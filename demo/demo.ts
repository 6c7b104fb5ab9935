import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { place } from './place.ts'
import { closeShop, health, openShop } from './shop.ts'
import { createStack, story } from './stack.ts'

const root = join(import.meta.dirname, '..')
const failing = process.argv.slice(2).join(' ')

const say = (line: string): void => void process.stdout.write(`${line}\n`)

let running: ChildProcess | null = null
let stopped: NodeJS.Signals | null = null

// The shop must not outlive the demo. Ctrl-C reaches the command directly, since it shares the terminal; it
// decides what that means.
process.on('SIGINT', () => (stopped ??= 'SIGINT'))
process.on('SIGTERM', () => {
  stopped ??= 'SIGTERM'
  running?.kill('SIGTERM')
})

if (!['', '--fail health'].includes(failing)) {
  say(`unknown argument "${failing}"; the demo takes none, or --fail health`)
  process.exitCode = 2
} else {
  if (await closeShop()) say('The shop of an earlier demo was still running; it is stopped now.')
  if (await isTaken(place.port)) {
    say(`Port ${place.port} is already in use; free it, or choose another: DEMO_PORT=8718 npm run demo`)
    process.exitCode = 2
  } else {
    process.exitCode = await demo(failing !== '')
  }
}

async function demo(failHealth: boolean): Promise<number> {
  say(
    'A shop: 100,000 orders in SQLite, a week of nightly backups with checksums, and an app that keeps selling.',
  )
  const now = new Date()
  createStack(now)
  try {
    await openShop()
    say('Three hours ago a bad deployment set every third total to zero. The health check shows it:')
    say(`  ${await health()}`)
    if (failHealth) {
      writeFileSync(place.unhealthy, '')
      say(
        'This time the shop stays unhealthy on the restored data too (--fail health), so the run rolls back.',
      )
    }
    if (stopped !== null) return 128 + constants.signals[stopped]
    const code = await runbook(
      'run',
      'full-db-rollback',
      '--target',
      'demo',
      '--bad-since',
      story(now).badSince.toISOString(),
      '--confirm',
      'restore the demo shop',
      '--reason',
      'a migration set totals to zero',
    )
    say('')
    if (stopped !== null || ![0, 10].includes(code)) {
      say('The run did not finish. `npx runbook status` shows its state and what to type next.')
      return code
    }
    say('The shop now:')
    say(`  ${await health()}`)
    if (code === 0)
      say(
        'The totals are restored. Orders since that backup are in the old database, which was kept; the report says where.',
      )
    else
      say(
        'The old data is back, damage included: nothing was lost, and the next attempt starts from the same state.',
      )
    return code
  } finally {
    await closeShop()
    // Later commands on this shop should find one that can start.
    rmSync(place.unhealthy, { force: true })
    say(
      `\nThe shop is stopped. Its files are in ${relative(process.cwd(), place.folder)}/, the evidence in ${relative(process.cwd(), join(place.folder, 'artifacts'))}/.`,
    )
  }
}

/** Runs the real command with npx, so that the commands it suggests start with npx too. */
async function runbook(...args: readonly string[]): Promise<number> {
  say(`\n$ npx runbook ${args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ')}\n`)
  return new Promise((resolve, reject) => {
    running = spawn(process.execPath, [join(root, 'bin', 'runbook.js'), ...args], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook' },
    })
    running.once('error', reject)
    running.once('exit', (code) => resolve(code ?? 1))
  })
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(true))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)))
  })
}
