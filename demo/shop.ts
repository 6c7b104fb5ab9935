import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { processServices } from '../src/adapters/process/services.ts'
import { configSchema } from '../src/config/schema.ts'
import { targetOf } from '../src/config/target.ts'
import { systemClock } from '../src/kernel/clock.ts'
import config from '../runbook.config.ts'
import { place } from './place.ts'

/** The services of the target `demo`, as the program itself finds them. */
function services() {
  const target = targetOf(configSchema.parse(config), 'demo', {
    directory: join(import.meta.dirname, '..'),
    home: homedir(),
    host: hostname(),
  })
  if (target.writers === undefined) throw new Error('the target demo has no writers')
  const scope = {
    run: 'demo',
    step: 'demo',
    signal: new AbortController().signal,
    output: () => undefined,
    progress: () => undefined,
    spawned: () => undefined,
  }
  return { driver: processServices({ scope, clock: systemClock }), group: target.writers }
}

export async function openShop(): Promise<void> {
  const { driver, group } = services()
  await driver.start(group)
}

/**
 * Also closes the shop of an earlier demo that was killed: its pid file has the process id.
 * @returns whether one was open
 */
export async function closeShop(): Promise<boolean> {
  const { driver, group } = services()
  const wasOpen = (await driver.states(group)).some(({ state }) => state === 'running')
  await driver.stop(group, 5)
  return wasOpen
}

/** The shop's health report, once it answers: an app that has just started does not listen yet. */
export async function health(): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const said = await asked()
    if (said !== null) return said
    await systemClock.sleep(100)
  }
  throw new Error(
    `the shop does not answer on port ${place.port}; its log is in ${join(place.folder, 'processes')}`,
  )
}

async function asked(): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${place.port}/api/health`, {
      signal: AbortSignal.timeout(2_000),
    })
    return `${response.status} ${await response.text()}`
  } catch {
    return null
  }
}
